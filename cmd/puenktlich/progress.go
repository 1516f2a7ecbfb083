package main

import (
	"fmt"
	"io"
	"io/fs"
	"time"

	"puenktlich/schemas"
)

// progressEvery is the pause between two lines where the output is no terminal,
// which shows one line and writes it again.
const progressEvery = 10 * time.Second

// progressLine shows how far an import is, and how long it will take at the pace
// since this file was first seen.
type progressLine struct {
	out   io.Writer
	file  string
	since time.Time
	bytes int64 // of the file at that moment
	last  string
	shown time.Time
}

// terminal says that the output is one.
func (l *progressLine) terminal() bool {
	file, is := l.out.(interface{ Stat() (fs.FileInfo, error) })
	if !is {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&fs.ModeCharDevice != 0
}

func (l *progressLine) show(now time.Time, p schemas.ImportProgress) {
	if p.File != l.file {
		l.file, l.since, l.bytes, l.shown = p.File, now, p.Bytes, time.Time{}
	}
	text := p.Message + l.left(now, p)
	if text == l.last {
		return
	}
	switch {
	case l.terminal():
		fmt.Fprintf(l.out, "\r\x1b[K%s", text)
	case now.Sub(l.shown) < progressEvery:
		return
	default:
		fmt.Fprintln(l.out, text)
	}
	l.last, l.shown = text, now
}

// left is the rest of the present file at the pace so far.
func (l *progressLine) left(now time.Time, p schemas.ImportProgress) string {
	spent, done := now.Sub(l.since), p.Bytes-l.bytes
	if spent <= 0 || done <= 0 {
		return ""
	}
	left := time.Duration(float64(spent) * float64(p.SizeBytes-p.Bytes) / float64(done))
	return fmt.Sprintf(", %s left", left.Round(time.Second))
}

// end leaves the line where it stands.
func (l *progressLine) end() {
	if l.last != "" && l.terminal() {
		fmt.Fprintln(l.out)
	}
}
