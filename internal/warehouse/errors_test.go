package warehouse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	driver "github.com/ClickHouse/clickhouse-go/v2"
)

func TestErrorsBecomeSentinels(t *testing.T) {
	t.Parallel()
	exception := func(code int32) error { return &driver.Exception{Code: code} }
	overHTTP := func(status int, cause error) error { return &driver.HTTPError{StatusCode: status, Err: cause} }
	cases := map[string]struct {
		err  error
		want error
	}{
		"unknown table":            {exception(60), ErrNotMigrated},
		"the same over HTTP":       {overHTTP(404, exception(60)), ErrNotMigrated},
		"memory":                   {overHTTP(500, exception(241)), ErrOverloaded},
		"full disk":                {exception(243), ErrNoSpace},
		"wrong password":           {overHTTP(403, exception(516)), ErrDenied},
		"syntax":                   {overHTTP(400, exception(62)), ErrRejected},
		"a proxy's gateway":        {overHTTP(502, errors.New("<html>")), ErrUnavailable},
		"a proxy's refusal":        {overHTTP(401, errors.New("<html>")), ErrDenied},
		"refused connection":       {&net.OpError{Op: "dial", Err: errors.New("refused")}, ErrUnavailable},
		"answer cut off":           {fmt.Errorf("read: %w", io.ErrUnexpectedEOF), ErrUnavailable},
		"no connection to be had":  {driver.ErrAcquireConnTimeout, ErrUnavailable},
		"the caller's deadline":    {context.DeadlineExceeded, context.DeadlineExceeded},
		"the caller's own message": {io.ErrShortWrite, io.ErrShortWrite},
	}
	all := []error{ErrUnavailable, ErrOverloaded, ErrNoSpace, ErrNotMigrated, ErrDenied, ErrRejected, ErrNotFound}
	for name, c := range cases {
		got := classify("read x", c.err)
		if !errors.Is(got, c.want) || !errors.Is(got, c.err) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
		for _, other := range all {
			if other != c.want && errors.Is(got, other) {
				t.Errorf("%s: got %v, and it is %v too", name, got, other)
			}
		}
	}
	if classify("read x", nil) != nil {
		t.Error("nil became an error")
	}
}

func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	for _, scheme := range []string{"http", "clickhouse"} {
		db, err := Open(Options{Addr: scheme + "://" + addr})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Ping(t.Context()); !errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: got %v, want ErrUnavailable", scheme, err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		opts     Options
		protocol driver.Protocol
		database string
		user     string
		wrong    bool
	}{
		"HTTP":               {opts: Options{Addr: "http://h:8123"}, protocol: driver.HTTP, database: "puenktlich", user: "default"},
		"native":             {opts: Options{Addr: "clickhouse://h:9000", Database: "d", User: "u"}, protocol: driver.Native, database: "d", user: "u"},
		"all in the address": {opts: Options{Addr: "https://u:p@h/d"}, protocol: driver.HTTP, database: "d", user: "u"},
		"no scheme":          {opts: Options{Addr: "h:8123"}, wrong: true},
		"unknown scheme":     {opts: Options{Addr: "tcp://h:9000"}, wrong: true},
		"empty":              {opts: Options{}, wrong: true},
		"database":           {opts: Options{Addr: "http://h:8123", Database: "a b"}, wrong: true},
	}
	for name, c := range cases {
		got, err := c.opts.config()
		if c.wrong {
			if err == nil {
				t.Errorf("%s: accepted", name)
			}
			continue
		}
		if err != nil || got.Protocol != c.protocol || got.Auth.Database != c.database || got.Auth.Username != c.user {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}
