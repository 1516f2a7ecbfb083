package archive

import (
	"errors"
	"fmt"
	"slices"
	"sync"
)

// heldArchives bounds the memory of a recording: today's and yesterday's (or
// tomorrow's) answers. A day of 133 stations has 46 MB.
const heldArchives = 2

// bodyCache reads whole archives and holds the ones used last.
type bodyCache struct {
	paths []string
	sizes []int // of the bodies of each archive together

	mu   sync.Mutex
	held map[int][]byte // bodies of the known entries, one after the other
	used []int          // least recently used first
}

func newBodyCache(paths []string, sizes []int) *bodyCache {
	return &bodyCache{paths: paths, sizes: sizes, held: make(map[int][]byte)}
}

// get answers a copy of one body.
func (c *bodyCache) get(at location) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	bodies, err := c.archive(at.archive)
	if err != nil {
		return nil, err
	}
	if at.offset+at.size > len(bodies) {
		return nil, fmt.Errorf("archive %s: shorter than when it was opened", c.paths[at.archive])
	}
	return slices.Clone(bodies[at.offset : at.offset+at.size]), nil
}

func (c *bodyCache) archive(i int) ([]byte, error) {
	if at := slices.Index(c.used, i); at >= 0 {
		c.used = append(slices.Delete(c.used, at, at+1), i)
		return c.held[i], nil
	}
	if len(c.used) >= heldArchives {
		delete(c.held, c.used[0])
		c.used = slices.Delete(c.used, 0, 1)
	}
	bodies, err := readBodies(c.paths[i], c.sizes[i])
	if err != nil {
		return nil, err
	}
	c.held[i], c.used = bodies, append(c.used, i)
	return bodies, nil
}

// readBodies answers what stands before any damage.
func readBodies(path string, size int) ([]byte, error) {
	bodies := make([]byte, 0, size)
	_, err := Walk(path, func(entry Entry) error {
		bodies = append(bodies, entry.Body...)
		return nil
	})
	if cut := (*CutError)(nil); err != nil && !errors.As(err, &cut) {
		return nil, err
	}
	return bodies, nil
}
