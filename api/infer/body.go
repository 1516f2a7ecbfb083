package infer

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"time"

	"puenktlich/internal/vectors"
)

// A body has to arrive with at least slowestBytes a second once the grace is
// over, so that slow senders do not keep others out.
const (
	grace        = 30 * time.Second
	toAnswer     = time.Minute // from the last byte of a body to that of the answer
	slowestBytes = 1 << 20
	stepBytes    = 1 << 20 // reserved at most at a time while a body arrives
)

// mediaError is a body of a type or encoding that is not taken.
type mediaError struct{ detail string }

func (e *mediaError) Error() string { return e.detail }

// errBusy: the memory for requests is taken.
var errBusy = errors.New("too many large requests are under way; try again in a moment")

// body reads a request whole. The memory it takes is reserved until release is
// called.
func (s *Routes) body(w http.ResponseWriter, r *http.Request) (body []byte, release func(), err error) {
	source, err := s.source(w, r)
	if err != nil {
		return nil, nil, err
	}
	var held int64
	release = func() { s.bodies.Release(held) }
	buffer := bytes.NewBuffer(make([]byte, 0, min(max(r.ContentLength, 512)+bytes.MinRead, stepBytes)))
	step := int64(stepBytes)
	if r.ContentLength >= 0 {
		step = min(step, max(r.ContentLength, 1<<12))
	}
	for {
		if !s.bodies.TryAcquire(step) {
			release()
			return nil, nil, errBusy
		}
		held += step
		n, err := io.CopyN(buffer, source, step)
		if int64(buffer.Len()) > s.o.MaxBodyBytes {
			err = s.tooLarge()
		}
		if errors.Is(err, io.EOF) || err == nil && n == 0 {
			return buffer.Bytes(), release, nil
		}
		if err != nil {
			release()
			return nil, nil, err
		}
	}
}

// room waits for the memory that a body's table and answer take.
func (s *Routes) room(ctx context.Context, body int) (release func(), err error) {
	weight := min(int64(body)*growth, s.most)
	if err := s.work.Acquire(ctx, weight); err != nil {
		return nil, err
	}
	return func() { s.work.Release(weight) }, nil
}

func (s *Routes) tooLarge() error {
	return vectors.TooLarge("the body has more than %d MiB: send fewer rows at once, or an Arrow stream", s.o.MaxBodyBytes>>20)
}

// source is a body without its compression, at the pace that is asked for.
func (s *Routes) source(w http.ResponseWriter, r *http.Request) (io.Reader, error) {
	if r.ContentLength > s.o.MaxBodyBytes && r.URL.Path != arrowPath {
		return nil, s.tooLarge()
	}
	var source io.Reader = &paced{r: r.Body, control: http.NewResponseController(w), began: time.Now()}
	switch encoding := strings.ToLower(r.Header.Get("Content-Encoding")); encoding {
	case "", "identity":
		return source, nil
	case "gzip":
		unpacked, err := gzip.NewReader(source)
		if err != nil {
			return nil, vectors.Wrong("the body is not gzip, as Content-Encoding says: %v", err)
		}
		return unpacked, nil
	default:
		return nil, &mediaError{fmt.Sprintf("Content-Encoding %.64q is not taken; send the body as it is, or with gzip", encoding)}
	}
}

// paced gives a body ever more time as it arrives.
type paced struct {
	r       io.Reader
	control *http.ResponseController
	began   time.Time
	got     int64
	until   time.Duration
}

func (p *paced) Read(b []byte) (int, error) {
	if allowed := grace + time.Duration(p.got/slowestBytes)*time.Second; allowed > p.until {
		p.until = allowed
		_ = p.control.SetReadDeadline(p.began.Add(allowed)) // a writer without deadlines has none to keep
		_ = p.control.SetWriteDeadline(p.began.Add(allowed + toAnswer))
	}
	n, err := p.r.Read(b)
	p.got += int64(n)
	return n, err
}

// media is the type of a body; a charset other than UTF-8 is refused.
func media(r *http.Request, fallback string) (string, error) {
	text := r.Header.Get("Content-Type")
	if text == "" {
		return fallback, nil
	}
	kind, parameters, err := mime.ParseMediaType(text)
	if err != nil {
		return "", &mediaError{fmt.Sprintf("Content-Type %.64q cannot be read", text)}
	}
	if charset := parameters["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
		return "", &mediaError{fmt.Sprintf("charset %.32q is not taken: send UTF-8", charset)}
	}
	return kind, nil
}

func lateBody(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
