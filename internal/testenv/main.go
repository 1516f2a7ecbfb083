package testenv

import (
	"context"
	"fmt"
	"io"
	"os"
	"testing"
)

// childSwitch names the environment variable that turns the test program into
// a server; its value says which.
const childSwitch = "PUENKTLICH_TESTENV_SERVER"

// The servers a test program can become.
const (
	clickHouseServer = "clickhouse"
	s3Server         = "s3"
)

// Serves says that this process is to become a server, not to run tests.
func Serves() bool { return os.Getenv(childSwitch) != "" }

// Main runs the tests and then ends the servers they started. Call it as the
// only statement of TestMain; it does not return.
func Main(m *testing.M) {
	if name := os.Getenv(childSwitch); name != "" {
		if err := serve(name); err != nil {
			fmt.Fprintln(os.Stderr, "testenv:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := m.Run()
	stopAll()
	os.Exit(code)
}

// serve is the server of that name until standard input ends, which happens
// when the parent does.
func serve(name string) error {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	dir := os.Args[1]
	defer func() { _ = os.RemoveAll(dir) }() // the parent may be gone
	switch name {
	case clickHouseServer:
		return serveClickHouse(ctx, dir)
	case s3Server:
		return serveS3(ctx, dir)
	}
	return fmt.Errorf("%s=%q: no such server", childSwitch, name)
}

// ready tells the parent where the server answers.
func ready(addr string) { fmt.Printf("%s%s\n", readyPrefix, addr) }

const readyPrefix = "ready "
