// Package withhold makes connections that can hold an answer back until it may be
// sent. A handler that has to wait for a disk would wait with its goroutine, and
// net/http's reader of the same connection would ask in vain meanwhile. So it writes
// its answer, which stays here, and returns; whoever knows that the disk has it
// releases the answer, or puts another one in its place.
package withhold

import (
	"bytes"
	"context"
	"errors"
	"net"
	"sync"
	"syscall"
)

// mostWithheld is from where on a writer waits until something was sent: a caller who
// asks on and on and reads nothing must not fill the memory.
const mostWithheld = 64 << 10

// keptBytes is the room that a connection keeps for its next answer.
const keptBytes = 16 << 10

// Conn is a connection that holds back what is written to it between Hold and
// Release or Replace. It is safe for concurrent use as a net.Conn is.
type Conn struct {
	net.Conn
	raw     syscall.RawConn // nil where the connection has none
	attempt func(fd uintptr) bool

	mu       sync.Mutex
	held     bool   // neither released nor replaced
	sending  bool   // what was held is on its way
	withheld []byte // in order
	lead     []byte // lines to be put after the first one that is written next
	ended    bool   // nothing more is taken: an answer was replaced, or could not be sent
	room     sync.Cond
	// What the server asked for while something was held.
	closing, closingWrite bool

	// These belong to whoever is sending.
	bytes []byte
	sent  int
	err   error
}

// New wraps a connection.
func New(conn net.Conn) *Conn {
	c := &Conn{Conn: conn}
	c.room.L = &c.mu
	if real, ok := conn.(syscall.Conn); ok {
		if raw, err := real.SyscallConn(); err == nil {
			c.raw = raw
		}
	}
	c.attempt = func(fd uintptr) bool {
		c.sent, c.err = syscall.Write(int(fd), c.bytes)
		return true // one attempt: nobody waits for a caller who does not read
	}
	return c
}

// Hold says whether what is written from now on is held back. It is not while
// something else still waits, as for a caller who asks again before having been
// answered.
func (c *Conn) Hold() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held || len(c.withheld) > 0 || c.ended || c.closing {
		return false
	}
	c.held = true
	return true
}

// Release sends what was held back, and ends the holding. It never blocks.
func (c *Conn) Release() {
	c.mu.Lock()
	c.held = false
	c.send()
}

// Replace sends something else in place of what was held back, whole, and closes the
// connection after it. It never blocks.
func (c *Conn) Replace(with []byte) {
	c.mu.Lock()
	c.held, c.ended, c.closing = false, true, true
	c.withheld = append(c.withheld[:0], with...) // all of it was written since Hold
	c.send()
}

// Lead puts lines, each with its end, behind the first line of what is written next:
// headers of an answer, which need not go through those who write it.
func (c *Conn) Lead(lines []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lead = append(c.lead[:0], lines...)
}

// appendLed appends what was written with the lines that lead it.
func (c *Conn) appendLed(dst, b []byte) []byte {
	first := 0
	if len(c.lead) > 0 {
		first = bytes.IndexByte(b, '\n') + 1
	}
	if first > 0 {
		dst, b = append(append(dst, b[:first]...), c.lead...), b[first:]
		c.lead = c.lead[:0]
	}
	return append(dst, b...)
}

// Write holds back or sends. It waits while much is held back, and refuses what comes
// after a replacement or after something could not be sent.
func (c *Conn) Write(b []byte) (int, error) {
	c.mu.Lock()
	for len(c.withheld) >= mostWithheld && !c.ended {
		c.room.Wait()
	}
	switch {
	case c.ended:
		c.mu.Unlock()
		return 0, net.ErrClosed
	case !c.held && !c.sending && len(c.lead) == 0:
		c.mu.Unlock()
		return c.Conn.Write(b)
	case !c.held && !c.sending: // released before it was written
		led := c.appendLed(nil, b)
		c.mu.Unlock()
		n, err := c.Conn.Write(led)
		return max(0, n-(len(led)-len(b))), err
	}
	c.withheld = c.appendLed(c.withheld, b)
	c.mu.Unlock()
	return len(b), nil
}

// Close closes once everything held back was sent.
func (c *Conn) Close() error {
	if c.later(&c.closing) {
		return nil
	}
	return c.Conn.Close()
}

// CloseWrite ends the sending half, once everything held back was sent.
func (c *Conn) CloseWrite() error {
	if c.later(&c.closingWrite) {
		return nil
	}
	return c.closeWrite()
}

// later notes what is asked for, where something has to be sent before.
func (c *Conn) later(asked *bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	waits := c.held || c.sending
	*asked = *asked || waits
	return waits
}

func (c *Conn) closeWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// send is called with the lock held, and gives it back, after Release or Replace. What comes while it sends is
// sent after it, by the same goroutine, unless it is to be held back.
func (c *Conn) send() {
	c.room.Broadcast()
	if c.sending {
		c.mu.Unlock()
		return
	}
	c.sendOn()
}

func (c *Conn) sendOn() {
	for len(c.withheld) > 0 && !c.held {
		c.bytes, c.withheld, c.sending = c.withheld, nil, true
		c.room.Broadcast()
		c.mu.Unlock()
		if !c.try() {
			go c.finish()
			return
		}
		c.mu.Lock()
		if c.withheld == nil && cap(c.bytes) <= keptBytes {
			c.withheld = c.bytes[:0] // room for the next answer
		}
	}
	c.done()
}

// try writes as much as the system takes at once, and says whether that was all; an
// error ends the connection, and the rest is nobody's.
func (c *Conn) try() bool {
	if c.raw == nil {
		return false
	}
	c.sent, c.err = 0, nil
	if err := c.raw.Write(c.attempt); err != nil {
		c.fail()
		return true
	}
	switch {
	case c.err == nil && c.sent == len(c.bytes):
		return true
	case c.err == nil, errors.Is(c.err, syscall.EAGAIN), errors.Is(c.err, syscall.EINTR):
		c.bytes = c.bytes[max(0, c.sent):]
		return false
	}
	c.fail()
	return true
}

// fail ends a connection on which something could not be sent: its caller has gone, or
// did not read within the server's time. Nobody is left to be told.
func (c *Conn) fail() {
	c.mu.Lock()
	c.ended, c.closing, c.withheld = true, true, nil
	c.room.Broadcast()
	c.mu.Unlock()
}

// finish sends the rest at the caller's pace, within the server's time for an answer.
func (c *Conn) finish() {
	if _, err := c.Conn.Write(c.bytes); err != nil {
		c.fail()
	}
	c.mu.Lock()
	c.sendOn()
}

// done is called with the lock held, and gives it back.
func (c *Conn) done() {
	c.sending = false
	if c.held && !c.ended { // whoever releases it comes here again
		c.mu.Unlock()
		return
	}
	closing, half := c.closing, c.closingWrite
	c.closingWrite = false
	c.mu.Unlock()
	switch {
	case closing:
		_ = c.Conn.Close()
	case half:
		_ = c.closeWrite()
	}
}

// Listener accepts connections that can hold back.
func Listener(l net.Listener) net.Listener { return listener{l} }

type listener struct{ net.Listener }

func (l listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return New(conn), nil
}

type key struct{}

// InContext is a http.Server's ConnContext: it lets a handler find its connection.
func InContext(ctx context.Context, conn net.Conn) context.Context {
	if c, ok := conn.(*Conn); ok {
		return context.WithValue(ctx, key{}, c)
	}
	return ctx
}

// From is the connection of a request; nil where it cannot hold back.
func From(ctx context.Context) *Conn {
	c, _ := ctx.Value(key{}).(*Conn)
	return c
}
