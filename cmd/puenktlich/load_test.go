package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"puenktlich/api"
	"puenktlich/internal/serving"
)

// loadOrder is what the load generator, a process of its own, is told.
type loadOrder struct {
	Address     string
	Header      string   // lines that each request carries
	Paths       []string // asked in turn
	Connections int
	Seconds     float64
	// At, where it is set, is the first of the past moments that are asked about: each
	// request of a path asks about a second before all others of that path.
	At time.Time
	// Body is posted, as Media, in place of a GET; empty for a GET.
	Body  []byte
	Media string
	// IDs is a file that gets the id of every acknowledged prediction; empty for
	// none. Then a connection that breaks is made again.
	IDs string
}

// loadResult is what it saw. Latencies are in microseconds.
type loadResult struct {
	Requests, Failed int // a failure is an answer other than 200, or none
	Seconds          float64
	P50, P99         int
	Bytes            int // of a body, the last one
	Example          string
}

// generateLoad asks on each connection as soon as the answer before has come, for
// a bounded time.
func generateLoad(in io.Reader, out io.Writer) error {
	var order loadOrder
	if err := json.NewDecoder(in).Decode(&order); err != nil {
		return err
	}
	var ids io.Writer
	if order.IDs != "" {
		file, err := os.OpenFile(order.IDs, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		defer file.Close()
		ids = file
	}
	start := time.Now()
	end := start.Add(time.Duration(order.Seconds * float64(time.Second)))
	callers := make([]loadCaller, order.Connections)
	var wait sync.WaitGroup
	for i := range callers {
		callers[i] = loadCaller{order: order, number: i, next: i * len(order.Paths) / order.Connections, ids: ids}
		wait.Go(func() { callers[i].run(end) })
	}
	wait.Wait()
	result := loadResult{Seconds: time.Since(start).Seconds()}
	var all []int
	for _, c := range callers {
		result.Requests, result.Failed = result.Requests+len(c.took), result.Failed+c.failed
		all = append(all, c.took...)
		result.Bytes, result.Example = c.bytes, c.example
	}
	if slices.Sort(all); len(all) > 0 {
		result.P50, result.P99 = all[len(all)/2], all[len(all)*99/100]
	}
	return json.NewEncoder(out).Encode(result)
}

// loadCaller is one connection.
type loadCaller struct {
	order   loadOrder
	number  int // among the connections
	next    int
	asked   int
	ids     io.Writer
	conn    net.Conn
	read    *bufio.Reader
	took    []int
	failed  int
	bytes   int
	example string
}

func (c *loadCaller) run(end time.Time) {
	pause := time.NewTicker(20 * time.Millisecond) // between attempts to connect
	defer pause.Stop()
	for time.Now().Before(end) {
		if err := c.ask(); err != nil {
			if c.failed, c.example = c.failed+1, err.Error(); c.conn != nil {
				c.conn.Close()
			}
			c.conn = nil
			<-pause.C
		}
	}
	if c.conn != nil {
		c.conn.Close()
	}
}

func (c *loadCaller) ask() (err error) {
	if c.conn == nil {
		if c.conn, err = net.DialTimeout("tcp", c.order.Address, time.Second); err != nil {
			return err
		}
		c.read = bufio.NewReaderSize(c.conn, 16<<10)
	}
	_ = c.conn.SetDeadline(time.Now().Add(10 * time.Second))
	request := c.request()
	start := time.Now()
	if _, err = c.conn.Write(request); err != nil {
		return err
	}
	status, body, err := readAnswer(c.read)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("status %d: %s", status, body)
	}
	c.took, c.bytes = append(c.took, int(time.Since(start).Microseconds())), len(body)
	if c.ids != nil {
		_, err = c.ids.Write([]byte(between(string(body), `"prediction_id":"`, `"`) + "\n")) // one write, whole lines
	}
	return err
}

// request is the next one to send.
func (c *loadCaller) request() []byte {
	path := c.order.Paths[c.next%len(c.order.Paths)]
	if !c.order.At.IsZero() {
		before := c.asked/len(c.order.Paths)*c.order.Connections + c.number
		path += "&at=" + url.QueryEscape(c.order.At.Add(-time.Duration(before)*time.Second).Format(time.RFC3339))
	}
	c.next, c.asked = c.next+1, c.asked+1
	rest := " HTTP/1.1\r\nHost: " + c.order.Address + "\r\n" + c.order.Header
	if len(c.order.Body) == 0 {
		return []byte("GET " + path + rest + "\r\n")
	}
	head := "POST " + path + rest + "Content-Type: " + c.order.Media + "\r\nContent-Length: " + strconv.Itoa(len(c.order.Body)) + "\r\n\r\n"
	return append([]byte(head), c.order.Body...)
}

// readAnswer reads a response that says how long it is, or comes in chunks.
func readAnswer(r *bufio.Reader) (status int, body []byte, err error) {
	length := 0
	for first := true; ; first = false {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return 0, nil, err
		}
		line = bytes.TrimRight(line, "\r\n")
		switch {
		case first:
			status, err = strconv.Atoi(string(line[9:12]))
			if err != nil {
				return 0, nil, err
			}
		case len(line) == 0 && length < 0:
			body, err = io.ReadAll(httputil.NewChunkedReader(r))
			if err == nil {
				_, err = r.ReadSlice('\n') // the empty trailer
			}
			return status, body, err
		case len(line) == 0:
			body = make([]byte, length)
			_, err = io.ReadFull(r, body)
			return status, body, err
		case strings.EqualFold(string(line), "transfer-encoding: chunked"):
			length = -1
		case len(line) > 16 && strings.EqualFold(string(line[:16]), "content-length: "):
			length, _ = strconv.Atoi(string(line[16:]))
		}
	}
}

func between(s, before, after string) string {
	_, s, _ = strings.Cut(s, before)
	s, _, _ = strings.Cut(s, after)
	return s
}

// serveEcho is what an answer costs at least: the same router and JSON library,
// the same parameters read, and an answer of as many bytes written: the same one,
// made beforehand, or, with flat, one string. It asks for no key and logs nothing.
func serveEcho(listen, file, kind string) error {
	body, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var answer struct {
		Clock struct {
			Now    time.Time `json:"now"`
			Source string    `json:"source"`
			Ended  bool      `json:"ended"`
			Note   string    `json:"note,omitempty"`
		} `json:"clock"`
		Forecast serving.Forecast `json:"forecast"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return err
	}
	flat := struct {
		Answer string `json:"answer"`
	}{strings.Repeat("x", len(body)-len(`{"answer":""}`))}
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.GET("/v1/forecasts", func(c *gin.Context) {
		in := map[string]string{}
		for name, values := range c.Request.URL.Query() {
			in[name] = values[0]
		}
		if in["stop_id"] == "" {
			c.String(http.StatusBadRequest, "no stop")
			return
		}
		if kind == "flat" {
			c.JSON(http.StatusOK, flat)
			return
		}
		c.JSON(http.StatusOK, answer)
	})
	server := api.NewServer(e, api.DefaultTimes(), slog.Default())
	server.Addr = listen
	return server.ListenAndServe()
}
