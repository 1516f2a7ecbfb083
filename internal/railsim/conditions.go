package railsim

import (
	"math"
	"time"

	"puenktlich/internal/rail"
)

// conditions are what all trains of a day have in common.
type conditions struct {
	weather float64 // factor, median 1
	weekday float64 // factor
	rush    bool    // whether the day has rush hours
	works   map[corridor]bool
	world   effects
}

func conditionsOn(seed key, day rail.Day, world effects) conditions {
	weekday := day.Start().In(rail.Berlin).Weekday()
	c := conditions{
		weather: weatherOn(seed, day), weekday: weekdayFactor(weekday), world: world,
		rush: !isWeekend(day), works: map[corridor]bool{},
	}
	for _, stretch := range corridors() {
		c.works[stretch] = stretch == world.works || ordinaryWorks(seed, stretch, day)
	}
	return c
}

func weekdayFactor(weekday time.Weekday) float64 {
	switch weekday {
	case time.Monday, time.Thursday:
		return 1.08
	case time.Friday:
		return 1.2
	case time.Saturday:
		return 0.85
	case time.Sunday:
		return 0.95
	}
	return 1
}

// weatherOn remembers the two days before: bad days come in spells.
func weatherOn(seed key, day rail.Day) float64 {
	sum := 0.0
	for back, weight := range []float64{0.84, 0.45, 0.3} {
		sum += weight * seed.with(drawWeather, number(string(day.Add(-back)))).normal()
	}
	return math.Exp(0.28 * sum)
}

const worksBlockDays = 14

// ordinaryWorks last three to nine days within one block of two weeks in ten.
func ordinaryWorks(seed key, stretch corridor, day rail.Day) bool {
	age := daysBetween(opened, day)
	block := seed.with(drawWorks, number(string(stretch)), uint64(age/worksBlockDays))
	if !block.chance(0.1) {
		return false
	}
	length := 3 + block.with(1).pick(7)
	begin := block.with(2).pick(worksBlockDays - length + 1)
	inBlock := age % worksBlockDays
	return inBlock >= begin && inBlock < begin+length
}

// rushAt is a factor on troubles; minutes are counted from midnight.
func (c conditions) rushAt(minute float64) float64 {
	minute = math.Mod(minute, 24*60)
	if !c.rush {
		return 1
	}
	return 1 + 0.7*bump(minute, 7*60+45, 70) + 0.8*bump(minute, 17*60, 100)
}

func bump(x, centre, width float64) float64 {
	z := (x - centre) / width
	return math.Exp(-z * z)
}

// temper is how a class of trains is troubled on an ordinary day.
type temper struct {
	perMinute     float64 // primary delays a minute of run
	medianMinutes float64 // of a primary delay
	sigma         float64 // of its logarithm: the tail
	originChance  float64 // of a late start
	dwellChance   float64 // of a long stop
	dwellMinutes  float64 // its mean
	cancelChance  float64 // of a whole trip
	cutChance     float64 // of a part of a trip
}

func temperOf(class rail.TrainClass) temper {
	switch class {
	case rail.LongDistance:
		return temper{perMinute: 0.0092, medianMinutes: 3.1, sigma: 1.15, originChance: 0.08,
			dwellChance: 0.12, dwellMinutes: 2.0, cancelChance: 0.016, cutChance: 0.022}
	case rail.Suburban:
		return temper{perMinute: 0.0070, medianMinutes: 2.8, sigma: 0.9, originChance: 0.02,
			dwellChance: 0.05, dwellMinutes: 1.0, cancelChance: 0.013, cutChance: 0.012}
	}
	return temper{perMinute: 0.0072, medianMinutes: 3.0, sigma: 0.95, originChance: 0.03,
		dwellChance: 0.09, dwellMinutes: 1.6, cancelChance: 0.013, cutChance: 0.014}
}

// chronic is a factor of the trip that stays through the weeks: some trains
// are always in trouble.
func (t *trip) chronic() float64 {
	return math.Exp(0.4*t.id.with(drawChronic).normal() - 0.08)
}
