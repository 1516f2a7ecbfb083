package localstack

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"syscall"
	"time"
)

// Ports are the loopback ports the servers listen on; 0 picks a free one.
type Ports struct {
	Temporal   int // gRPC, setting PUENKTLICH_TEMPORAL_PORT
	TemporalUI int // web UI, setting PUENKTLICH_TEMPORAL_UI_PORT
	S3         int // setting PUENKTLICH_S3_PORT
	ClickHouse int // HTTP interface, setting PUENKTLICH_CLICKHOUSE_PORT
}

// Settings that the sentences about a taken port name.
const (
	SettingTemporalPort   = "PUENKTLICH_TEMPORAL_PORT"
	SettingTemporalUIPort = "PUENKTLICH_TEMPORAL_UI_PORT"
	SettingS3Port         = "PUENKTLICH_S3_PORT"
	SettingClickHousePort = "PUENKTLICH_CLICKHOUSE_PORT"
)

// PortTakenError says that a configured port is in use.
type PortTakenError struct {
	Port    int
	For     string // the server that wanted it
	Setting string // what to change
}

func (e *PortTakenError) Error() string {
	return fmt.Sprintf("port %d for %s is taken by another program: stop that one, or set %s to another port (0 picks a free one)", e.Port, e.For, e.Setting)
}

// portGrace is how long a taken port may take to become free: the children of a
// stack that was killed a moment ago are just ending.
const portGrace = 1500 * time.Millisecond

// Free ports are picked below the range from which systems give ports to
// outgoing connections (from 32768 on Linux), so that none of those takes one
// between the pick and the server's own listen.
const (
	pickFrom = 20000
	pickTo   = 32000
)

const loopback = "127.0.0.1"

func loopbackAddr(port int) string { return net.JoinHostPort(loopback, strconv.Itoa(port)) }

// claim returns the port itself when it is free, a free one for 0.
func claim(port int, server, setting string) (int, error) {
	if port < 0 || port > 65535 {
		return 0, fmt.Errorf("port %d for %s is no port number: set %s to a number from 0 to 65535", port, server, setting)
	}
	if port == 0 {
		return pickPort(server)
	}
	for deadline := time.Now().Add(portGrace); ; {
		err := listenOnce(port)
		switch {
		case err == nil:
			return port, nil
		case !errors.Is(err, syscall.EADDRINUSE):
			return 0, fmt.Errorf("port %d for %s: %w: set %s to another port (0 picks a free one)", port, server, err, setting)
		case time.Now().After(deadline):
			return 0, &PortTakenError{port, server, setting}
		}
		<-time.After(pollEvery)
	}
}

func pickPort(server string) (int, error) {
	var err error
	for range 100 {
		port := pickFrom + rand.IntN(pickTo-pickFrom)
		if err = listenOnce(port); err == nil {
			return port, nil
		}
	}
	return 0, fmt.Errorf("no free port for %s between %d and %d: %w", server, pickFrom, pickTo, err)
}

func listenOnce(port int) error {
	l, err := net.Listen("tcp", loopbackAddr(port))
	if err != nil {
		return err
	}
	return l.Close()
}

// claimed resolves the ports of the servers that are to be started.
func (p Ports) claimed(external Addresses) (Ports, error) {
	wanted := []struct {
		port            *int
		skip            bool
		server, setting string
	}{
		{&p.Temporal, external.Temporal != "", "Temporal", SettingTemporalPort},
		{&p.TemporalUI, external.Temporal != "", "the Temporal UI", SettingTemporalUIPort},
		{&p.S3, external.S3Endpoint != "", "S3", SettingS3Port},
		{&p.ClickHouse, external.ClickHouseAddr != "", "ClickHouse", SettingClickHousePort},
	}
	var errs []error
	for _, w := range wanted {
		if w.skip {
			continue
		}
		port, err := claim(*w.port, w.server, w.setting)
		*w.port = port
		errs = append(errs, err)
	}
	return p, errors.Join(errs...)
}
