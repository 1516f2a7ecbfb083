package railsim

import (
	"hash/fnv"
	"math"
)

// key names one random draw. Draws with different keys are independent, and
// the same key always gives the same draw, whatever was drawn before.
type key uint64

// with derives the key of a part: a day, a trip, a purpose.
func (k key) with(parts ...uint64) key {
	for _, part := range parts {
		k = key(mix(uint64(k) ^ mix(part+0x9e3779b97f4a7c15)))
	}
	return k
}

// mix is the finalizer of SplitMix64 (Steele, Lea, Flood 2014).
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return z ^ (z >> 31)
}

// number folds a text into a part of a key.
func number(s string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(s))
	return h.Sum64()
}

// unit is uniform in [0, 1).
func (k key) unit() float64 { return float64(mix(uint64(k))>>11) / (1 << 53) }

// between is uniform in [low, high).
func (k key) between(low, high float64) float64 { return low + (high-low)*k.unit() }

// chance is true with probability p.
func (k key) chance(p float64) bool { return k.unit() < p }

// pick is uniform in [0, n).
func (k key) pick(n int) int { return int(k.unit() * float64(n)) }

// normal has mean 0 and variance 1 (Box and Muller 1958).
func (k key) normal() float64 {
	radius := math.Sqrt(-2 * math.Log(1-k.with(1).unit()))
	return radius * math.Cos(2*math.Pi*k.with(2).unit())
}

// exponential has the given mean.
func (k key) exponential(mean float64) float64 { return -mean * math.Log(1-k.unit()) }

// lognormal has the given median; sigma is of the logarithm.
func (k key) lognormal(median, sigma float64) float64 {
	return median * math.Exp(sigma*k.normal())
}

// The purposes of draws, so that two draws of one thing never share a key.
const (
	drawHash uint64 = iota + 1
	drawNumber
	drawPlatform
	drawChronic
	drawWeather
	drawWorks
	drawOrigin
	drawSection
	drawSize
	drawDwell
	drawRun
	drawCause
	drawCancel
	drawCut
	drawAnnounce
	drawReplace
	drawTurn
	drawLead
	drawLag
	drawForecast
	drawFinal
	drawCorrection
	drawMessage
	drawMove
	drawSilent
	drawOutage
)
