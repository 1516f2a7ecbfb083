package dataset

import (
	"sync"

	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/klauspost/compress/zstd"
)

// sharedZstd is the library's codec with one encoder for all pages of the usual
// level. The library's own makes one for each page, which costs more than the
// compression: a part of 50 columns has hundreds of pages. The bytes are the same.
type sharedZstd struct {
	compress.Codec
	encoder func() *zstd.Encoder
}

func init() {
	own, err := compress.GetCodec(compress.Codecs.Zstd)
	if err != nil {
		panic("dataset: Zstandard is compiled in: " + err.Error())
	}
	compress.RegisterCodec(compress.Codecs.Zstd, sharedZstd{Codec: own, encoder: sync.OnceValue(newEncoder)})
}

func newEncoder() *zstd.Encoder {
	encoder, err := zstd.NewWriter(nil, zstd.WithZeroFrames(true), zstd.WithEncoderLevel(zstd.SpeedDefault))
	if err != nil {
		panic("dataset: constant options: " + err.Error())
	}
	return encoder
}

// EncodeLevel compresses src into the room of dst.
func (c sharedZstd) EncodeLevel(dst, src []byte, level int) []byte {
	if level != compress.DefaultCompressionLevel {
		return c.Codec.EncodeLevel(dst, src, level)
	}
	return c.encoder().EncodeAll(src, dst[:0])
}
