package withhold_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puenktlich/internal/withhold"
)

// pair is both ends of a TCP connection, the server's able to hold back.
func pair(t *testing.T) (*withhold.Conn, *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	conn, err := withhold.Listener(l).Accept()
	require.NoError(t, err)
	t.Cleanup(func() { _, _ = client.Close(), conn.Close() })
	return conn.(*withhold.Conn), client.(*net.TCPConn)
}

// silent says that nothing comes for a while.
func silent(t *testing.T, client net.Conn) {
	t.Helper()
	require.NoError(t, client.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
	n, err := client.Read(make([]byte, 1))
	require.Zero(t, n)
	var timeout net.Error
	require.ErrorAs(t, err, &timeout)
	require.True(t, timeout.Timeout(), "%v", err)
	require.NoError(t, client.SetReadDeadline(time.Time{}))
}

func read(t *testing.T, client net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	_, err := io.ReadFull(client, got)
	require.NoError(t, err)
	require.Equal(t, want, string(got))
}

func write(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	n, err := conn.Write([]byte(text))
	require.NoError(t, err)
	require.Equal(t, len(text), n)
}

func TestNothingIsSentBeforeItIsReleased(t *testing.T) {
	t.Parallel()
	conn, client := pair(t)
	write(t, conn, "free")
	read(t, client, "free")
	for range 3 {
		require.True(t, conn.Hold())
		require.False(t, conn.Hold(), "one at a time")
		write(t, conn, "first, ")
		write(t, conn, "second")
		silent(t, client)
		conn.Release()
		write(t, conn, ", third")
		read(t, client, "first, second, third")
	}
	require.True(t, conn.Hold())
	conn.Release() // before anything was written: nothing to wait for
	write(t, conn, "late")
	read(t, client, "late")
}

// Lines lead whatever is written next, held back or released before, and only that.
func TestLinesAfterTheFirstOne(t *testing.T) {
	t.Parallel()
	conn, client := pair(t)
	for _, early := range []bool{false, true} {
		require.True(t, conn.Hold())
		conn.Lead([]byte("a: 1\r\nb: 2\r\n"))
		if early {
			conn.Release()
		}
		write(t, conn, "status\r\nc: 3\r\n\r\nbody\n")
		write(t, conn, "more\n")
		if !early {
			silent(t, client)
			conn.Release()
		}
		write(t, conn, "next\r\n")
		read(t, client, "status\r\na: 1\r\nb: 2\r\nc: 3\r\n\r\nbody\nmore\nnext\r\n")
	}
	require.True(t, conn.Hold())
	conn.Lead([]byte("a: 1\r\n"))
	conn.Replace([]byte("refused\r\n"))
	read(t, client, "refused\r\n")
	_, err := client.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
}

func TestWhatIsReplacedIsNeverSent(t *testing.T) {
	t.Parallel()
	conn, client := pair(t)
	require.True(t, conn.Hold())
	write(t, conn, "a forecast")
	conn.Replace([]byte("an excuse"))
	all, err := io.ReadAll(client)
	require.NoError(t, err)
	require.Equal(t, "an excuse", string(all), "and the connection ends")
	_, err = conn.Write([]byte("more"))
	require.ErrorIs(t, err, net.ErrClosed)

	conn, client = pair(t) // replaced before the answer was written
	require.True(t, conn.Hold())
	conn.Replace([]byte("an excuse"))
	_, err = conn.Write([]byte("a forecast"))
	require.Error(t, err)
	all, err = io.ReadAll(client)
	require.NoError(t, err)
	require.Equal(t, "an excuse", string(all))
}

func TestClosedAfterWhatIsHeldBack(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*withhold.Conn) error{"close": (*withhold.Conn).Close, "half": (*withhold.Conn).CloseWrite} {
		conn, client := pair(t)
		require.True(t, conn.Hold(), name)
		write(t, conn, "still to come")
		require.NoError(t, end(conn), name)
		silent(t, client)
		conn.Release()
		all, err := io.ReadAll(client)
		require.NoError(t, err, name)
		require.Equal(t, "still to come", string(all), name)
	}
}

// Whoever releases answers of many never waits for one who does not read, and that one
// gets all of it, in order, once it does.
func TestNobodyWaitsForACallerWhoDoesNotRead(t *testing.T) {
	t.Parallel()
	conn, client := pair(t)
	large := strings.Repeat("0123456789abcdef", 1<<20) // 16 MiB: more than any buffer of a socket
	require.True(t, conn.Hold())
	write(t, conn, large)
	released := make(chan struct{})
	go func() {
		conn.Release()
		close(released)
	}()
	select {
	case <-released:
	case <-time.After(30 * time.Second):
		t.Fatal("released waits for the caller")
	}
	require.True(t, conn.Hold(), "the next answer waits while the rest is still on its way")
	write(t, conn, " and what came after")
	require.False(t, conn.Hold())
	got := make([]byte, len(large))
	_, err := io.ReadFull(client, got)
	require.NoError(t, err)
	require.True(t, string(got) == large)
	silent(t, client)
	conn.Release()
	read(t, client, " and what came after")

	require.True(t, conn.Hold()) // released while the one before is on its way
	write(t, conn, large)
	conn.Release()
	require.True(t, conn.Hold())
	write(t, conn, "last")
	conn.Release()
	_, err = io.ReadFull(client, got)
	require.NoError(t, err)
	read(t, client, "last")
}

// A caller who goes on asking and does not read makes the server wait, as without
// holding back, and not hoard.
func TestTheServerWaitsForACallerWhoDoesNotRead(t *testing.T) {
	t.Parallel()
	for name, gone := range map[string]bool{"and then reads": false, "and goes": true} {
		conn, client := pair(t)
		piece := strings.Repeat("x", 1<<20)
		require.True(t, conn.Hold(), name)
		write(t, conn, piece)
		conn.Release()
		const pieces = 64
		var written atomic.Int64
		stopped := make(chan error, 1)
		go func() {
			for range pieces {
				if _, err := conn.Write([]byte(piece)); err != nil {
					stopped <- err
					return
				}
				written.Add(1)
			}
			stopped <- nil
		}()
		select {
		case err := <-stopped:
			t.Fatalf("%s: %d MiB were taken for somebody who reads nothing: %v", name, written.Load(), err)
		case <-time.After(100 * time.Millisecond):
		}
		if gone {
			require.NoError(t, client.SetLinger(0), name)
			require.NoError(t, client.Close(), name)
			require.Error(t, <-stopped, name)
			continue
		}
		n, err := io.CopyN(io.Discard, client, (pieces+1)<<20)
		require.NoError(t, err, name)
		require.EqualValues(t, (pieces+1)<<20, n, name)
		require.NoError(t, <-stopped, name)
	}
}

func TestACallerWhoHasGoneEndsTheConnection(t *testing.T) {
	t.Parallel()
	conn, client := pair(t)
	require.NoError(t, client.SetLinger(0))
	require.True(t, conn.Hold())
	write(t, conn, "for nobody")
	require.NoError(t, client.Close())
	conn.Release()
	require.Eventually(t, func() bool { // the first attempts may come before the news
		if conn.Hold() {
			_, _ = conn.Write([]byte("nor this"))
			conn.Release()
		}
		_, err := conn.Conn.Write(nil)
		return errors.Is(err, net.ErrClosed)
	}, 10*time.Second, time.Millisecond)
	_, err := conn.Write([]byte("more"))
	require.ErrorIs(t, err, net.ErrClosed)
}

// A server whose handler returns at once answers when it is released: requests one
// after the other and, of a caller who does not wait for answers, all of them in order.
func TestBehindAServer(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var releasing sync.WaitGroup
	server := &http.Server{ConnContext: withhold.InContext, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if conn := withhold.From(r.Context()); conn != nil && conn.Hold() {
			written := make(chan struct{})
			defer close(written)
			releasing.Go(func() {
				<-written
				conn.Release()
			})
		}
		_, _ = io.WriteString(w, r.URL.Path)
	})}
	served := make(chan error, 1)
	go func() { served <- server.Serve(withhold.Listener(l)) }()
	client, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	defer client.Close()
	go func() {
		for _, path := range []string{"/1", "/2", "/3", "/4"} {
			_, _ = io.WriteString(client, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n")
		}
	}()
	answers := bufio.NewReader(client)
	for _, want := range []string{"/1", "/2", "/3", "/4"} {
		answer, err := http.ReadResponse(answers, nil)
		require.NoError(t, err)
		body, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.Equal(t, want, string(body))
	}
	require.NoError(t, server.Close())
	require.ErrorIs(t, <-served, http.ErrServerClosed)
	releasing.Wait()
}
