package columnar

import (
	"fmt"
	"sync/atomic"

	"github.com/apache/arrow/go/v17/arrow/memory"
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

// budget is an allocator that panics rather than hand out more than its limit;
// Arrow's reader turns the panic into an error.
type budget struct {
	memory.Allocator
	limit int64
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
	if size < 0 || b.held.Load()+int64(more) > b.limit {
		panic(fmt.Errorf("the record batch needs more than %d MB; send smaller batches", b.limit>>20))
	}
	b.held.Add(int64(more))
}
