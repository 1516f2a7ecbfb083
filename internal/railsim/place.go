package railsim

// headwayPlanned is the least planned minutes between two trains on a stretch.
const headwayPlanned = 3

// occupation is the stretches taken within one hour of the clock face.
type occupation struct {
	taken map[key][]passage
}

// passage is a train entering and leaving a stretch, in minutes.
type passage struct{ enter, leave int }

// place finds the minute with the fewest conflicts, takes its stretches and
// returns it. The search begins at a minute given by the line and the edition,
// so that lines spread over the hour.
func (o *occupation) place(r route, version int) int {
	every := r.line.workdays.every
	begin := int(number(r.line.name)%60) + 17*version
	if r.reverse {
		begin += 29
	}
	best, fewest := 0, -1
	for i := range every {
		offset := (begin + i) % every
		if conflicts := o.conflicts(r, offset); fewest < 0 || conflicts < fewest {
			best, fewest = offset, conflicts
		}
	}
	o.take(r, best)
	return best
}

func (o *occupation) conflicts(r route, offset int) int {
	count := 0
	each(r, offset, func(section key, p passage) {
		for _, other := range o.taken[section] {
			if !apart(p, other) {
				count++
			}
		}
	})
	return count
}

func (o *occupation) take(r route, offset int) {
	if o.taken == nil {
		o.taken = map[key][]passage{}
	}
	each(r, offset, func(section key, p passage) {
		o.taken[section] = append(o.taken[section], p)
	})
}

// each visits the stretches of all trains of the route in one hour.
func each(r route, offset int, visit func(section key, p passage)) {
	for minute := offset; minute < max(60, offset+1); minute += r.line.workdays.every {
		now := minute
		for i, n := range r.nodes {
			if i > 0 {
				p := passage{enter: now, leave: now + n.runMinutes}
				visit(sectionKey(r.line.tracks, r.nodes[i-1].name, n.name), p)
				now = p.leave
			}
			now += max(0, n.dwellMinutes)
		}
	}
}

// apart says whether two trains keep their distance and their order, on the
// dial of an hour.
func apart(a, b passage) bool {
	behind := ((a.enter-b.enter)%60 + 60) % 60
	gained := behind + (a.leave - a.enter) - (b.leave - b.enter)
	return min(behind, gained) >= headwayPlanned && max(behind, gained) <= 60-headwayPlanned
}
