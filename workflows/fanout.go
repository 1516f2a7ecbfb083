package workflows

import "go.temporal.io/sdk/workflow"

// window bounds the activities of a fan-out under way at once.
const window = 20

// fanOut runs many activities, a bounded number at a time, and hands their
// futures over in the order in which they were started.
type fanOut struct {
	ctx     workflow.Context
	futures []workflow.Future
	running int
}

func newFanOut(ctx workflow.Context, size int) *fanOut {
	return &fanOut{ctx: ctx, futures: make([]workflow.Future, 0, size)}
}

// start begins one more, after waiting for the oldest where the window is full.
func (f *fanOut) start(begin func(workflow.Context) workflow.Future) {
	if f.running == window {
		_ = f.futures[len(f.futures)-window].Get(f.ctx, nil) // its error is read by wait
		f.running--
	}
	f.futures = append(f.futures, begin(f.ctx))
	f.running++
}

// wait hands every future to take, and answers the first error after all have
// ended.
func (f *fanOut) wait(take func(i int, done workflow.Future) error) error {
	var first error
	for i, future := range f.futures {
		if err := take(i, future); err != nil && first == nil {
			first = err
		}
	}
	return first
}
