package railsim

import (
	"slices"
	"sync"

	"puenktlich/internal/rail"
)

// heldDays bounds the memory of a railway: a day takes about 5 MB.
const heldDays = 8

// shelf holds the books used last.
type shelf struct {
	write func(rail.Day) *book

	mu   sync.Mutex
	held map[rail.Day]*shelved
	used []rail.Day // least recently used first
}

type shelved struct {
	once sync.Once
	book *book
}

func newShelf(write func(rail.Day) *book) *shelf {
	return &shelf{write: write, held: map[rail.Day]*shelved{}}
}

// get writes the book of a day once; callers for other days do not wait.
func (s *shelf) get(day rail.Day) *book {
	place := s.place(day)
	place.once.Do(func() { place.book = s.write(day) })
	return place.book
}

func (s *shelf) place(day rail.Day) *shelved {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at := slices.Index(s.used, day); at >= 0 {
		s.used = slices.Delete(s.used, at, at+1)
	}
	s.used = append(s.used, day)
	if s.held[day] == nil {
		s.held[day] = &shelved{}
	}
	if len(s.used) > heldDays {
		delete(s.held, s.used[0])
		s.used = slices.Delete(s.used, 0, 1)
	}
	return s.held[day]
}
