package testenv

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// startWithin is the time a server gets to answer, on a machine busy with
// other test programs.
const startWithin = 2 * time.Minute

// child is one server of this test program.
type child struct {
	name string
	once sync.Once
	addr string // host:port
	err  error
	cmd  *exec.Cmd
	stop io.Closer // ends the server
	dir  string
}

var (
	clickHouse = &child{name: clickHouseServer}
	s3         = &child{name: s3Server}
)

// address starts the server if it does not run.
func (c *child) address() (string, error) {
	c.once.Do(func() {
		if c.err = c.start(); c.err != nil {
			c.err = fmt.Errorf("start %s for the tests: %w", c.name, c.err)
			c.end()
		}
	})
	return c.addr, c.err
}

func (c *child) start() error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	if c.dir, err = os.MkdirTemp("", "puenktlich-test-"+c.name+"-"); err != nil {
		return err
	}
	c.cmd = exec.Command(program, c.dir)
	c.cmd.Env = append(os.Environ(), childSwitch+"="+c.name)
	var stderr bytes.Buffer
	c.cmd.Stderr = &stderr
	if c.stop, err = c.cmd.StdinPipe(); err != nil {
		return err
	}
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := c.cmd.Start(); err != nil {
		return err
	}
	if c.addr, err = readAddress(stdout); err != nil {
		c.end()
		return fmt.Errorf("%w\n%s", err, stderr.String())
	}
	return nil
}

// readAddress waits for the line that says where the server answers, and then
// reads on for ever so that the server never blocks on its output.
func readAddress(stdout io.Reader) (string, error) {
	found := make(chan string, 1)
	go func() {
		defer close(found)
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			if addr, ok := strings.CutPrefix(lines.Text(), readyPrefix); ok {
				found <- addr
			}
		}
	}()
	select {
	case addr, ok := <-found:
		if !ok {
			return "", errors.New("it ended before it was ready")
		}
		return addr, nil
	case <-time.After(startWithin):
		return "", fmt.Errorf("it was not ready within %s", startWithin)
	}
}

// end stops the server and removes its data.
func (c *child) end() {
	if c.cmd != nil && c.cmd.Process != nil {
		_ = c.stop.Close()
		kill := time.AfterFunc(20*time.Second, func() { _ = c.cmd.Process.Kill() })
		_ = c.cmd.Wait()
		kill.Stop()
		c.cmd = nil
	}
	if c.dir != "" {
		_ = os.RemoveAll(c.dir)
		c.dir = ""
	}
}

func stopAll() {
	clickHouse.end()
	s3.end()
}
