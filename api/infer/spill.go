package infer

import (
	"bytes"
	"fmt"
	"io"
	"os"
)

// spillBytes is what of an answer is held in memory.
const spillBytes = 4 << 20

// spill holds what is written to it, in memory and from spillBytes on in a file
// that has no name and goes with the process.
type spill struct {
	dir    string
	memory bytes.Buffer
	file   *os.File
	size   int64
}

func (s *spill) Write(b []byte) (int, error) {
	s.size += int64(len(b))
	if s.file == nil && s.memory.Len()+len(b) <= spillBytes {
		return s.memory.Write(b)
	}
	if s.file == nil {
		file, err := os.CreateTemp(s.dir, "puenktlich-answer-*")
		if err != nil {
			return 0, fmt.Errorf("hold answer: %w", err)
		}
		s.file = file
		if err := os.Remove(file.Name()); err != nil {
			return 0, fmt.Errorf("hold answer: %w", err)
		}
	}
	n, err := s.file.Write(b)
	if err != nil {
		err = fmt.Errorf("hold answer: %w", err)
	}
	return n, err
}

// writeTo sends all of it. A caller that is gone is nobody's fault.
func (s *spill) writeTo(w io.Writer) error {
	if _, err := s.memory.WriteTo(w); err != nil || s.file == nil {
		return nil
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read held answer: %w", err)
	}
	_, _ = io.Copy(w, s.file)
	return nil
}

func (s *spill) close() {
	if s.file != nil {
		_ = s.file.Close()
	}
}
