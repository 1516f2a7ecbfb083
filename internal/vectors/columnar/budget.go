package columnar

import (
	"errors"
	"sync/atomic"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"puenktlich/internal/vectors"
)

// Bounds of what a stream may take.
const (
	// maxMessageBytes bounds the body of one message: 100,000 rows of 51 columns
	// of float64 are 41 MB.
	maxMessageBytes = 64 << 20
	// maxMetadataBytes bounds the description of one message.
	maxMetadataBytes = 256 << 10
	// MaxStreamBytes bounds all buffers of a stream that are held at once: the
	// body of a message and its columns.
	MaxStreamBytes = 2*maxMessageBytes + 8<<20
)

// Allocator hands out the memory of buffers.
type Allocator = memory.Allocator

// DefaultAllocator is Arrow's own.
func DefaultAllocator() Allocator { return memory.DefaultAllocator }

// ErrMemory says that a stream needs more memory than there is at present.
var ErrMemory = errors.New("there is no memory for the stream's record batch at present; try again in a moment")

// budget is an allocator that panics rather than hand out more than its limit,
// which it asks to have raised; Arrow's reader turns the panic into an error.
type budget struct {
	memory.Allocator
	limit int64
	raise func(bytes int64) bool
	held  atomic.Int64
}

func (b *budget) Allocate(size int) []byte {
	b.take(size, size)
	return b.Allocator.Allocate(size)
}

func (b *budget) Reallocate(size int, was []byte) []byte {
	b.take(size-len(was), size)
	return b.Allocator.Reallocate(size, was)
}

func (b *budget) Free(was []byte) {
	b.held.Add(-int64(len(was)))
	b.Allocator.Free(was)
}

func (b *budget) take(more, size int) {
	needed := b.held.Load() + int64(more)
	if size < 0 || needed > MaxStreamBytes {
		panic(vectors.TooLarge("a record batch needs more than %d MB; send smaller batches", MaxStreamBytes>>20))
	}
	if needed > b.limit {
		if !b.raise(needed - b.limit) {
			panic(ErrMemory)
		}
		b.limit = needed
	}
	b.held.Store(needed)
}
