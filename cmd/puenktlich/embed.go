package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"

	"puenktlich/internal/clock"
	"puenktlich/internal/config"
	"puenktlich/internal/localstack"
	"puenktlich/internal/timetables"
	"puenktlich/schemas"
)

// embedded is the whole system on one machine: servers that are not given by
// address, the Timetables API of a recording or a simulation, worker pools.
type embedded struct {
	*adapters
	stack   *localstack.Stack
	network timetables.Network // nil for a live source
	stops   []func()           // in the order of starting
}

// setUp obtains what is missing on this machine.
func (p program) setUp(ctx context.Context) (localstack.Components, error) {
	getenv := func(name string) string { return lookup(p.environ, name) }
	cache, err := localstack.DefaultCacheDir(getenv)
	if err != nil {
		return localstack.Components{}, err
	}
	return localstack.Setup(ctx, localstack.SetupOptions{CacheDir: cache, ToolsDir: "tools", Out: p.out,
		LibChDB: getenv(localstack.SettingLibChDB), LibXGBoost: getenv(localstack.SettingLibXGBoost)})
}

// embed starts everything but API and schedules. at tells the clock once the
// network is known. Where a part fails, the others are stopped again.
func (p program) embed(ctx context.Context, c config.Config, at func(timetables.Network) (clock.Clock, error)) (*embedded, error) {
	return p.embedNetwork(ctx, c, nil, at)
}

// embedNetwork does so for a network that is given; nil opens that of the
// configuration.
func (p program) embedNetwork(ctx context.Context, c config.Config, given timetables.Network, at func(timetables.Network) (clock.Clock, error)) (_ *embedded, err error) {
	e := &embedded{network: given}
	defer func() {
		if err != nil {
			e.stop()
		}
	}()
	components, err := p.setUp(ctx)
	if err != nil {
		return nil, err
	}
	if c.LibXGBoost == "" {
		c.LibXGBoost = components.LibXGBoost
	}
	if c.Source != config.SourceLive && e.network == nil {
		if e.network, err = network(c); err != nil {
			return nil, err
		}
	}
	now, err := at(e.network)
	if err != nil {
		return nil, err
	}
	if c, err = e.startServers(ctx, p, c, components); err != nil {
		return nil, err
	}
	if c, err = e.serveTimetables(c, now); err != nil {
		return nil, err
	}
	if e.adapters, err = connect(ctx, c, now, p); err != nil {
		return nil, err
	}
	e.stops = append(e.stops, e.adapters.close)
	if _, err = e.migrate(ctx); err != nil {
		return nil, err
	}
	return e, e.startPools(ctx, p)
}

func (e *embedded) startServers(ctx context.Context, p program, c config.Config, components localstack.Components) (config.Config, error) {
	executable, err := os.Executable()
	if err != nil {
		return c, fmt.Errorf("find this program: %w", err)
	}
	options := localstack.Options{DataDir: c.DataDir, Components: components, EngineCommand: []string{executable, "engine"}, Out: p.out,
		Ports:    localstack.Ports{Temporal: c.TemporalPort, TemporalUI: c.TemporalUIPort, S3: c.S3Port, ClickHouse: c.ClickHousePort},
		External: external(c)}
	for _, name := range schemas.SearchAttributes() {
		options.SearchAttributes = append(options.SearchAttributes, localstack.SearchAttribute{Name: name, Type: enums.INDEXED_VALUE_TYPE_KEYWORD})
	}
	if e.stack, err = localstack.Start(ctx, options); err != nil {
		return c, err
	}
	at := e.stack.Addresses()
	c.TemporalAddress, c.S3Endpoint, c.S3AccessKey, c.S3SecretKey = at.Temporal, at.S3Endpoint, at.S3AccessKey, at.S3SecretKey
	if c.TemporalUI == "" {
		c.TemporalUI = at.TemporalUI
	}
	if c.ClickHouseAddress == "" {
		c.ClickHouseAddress, c.ClickHouseUser, c.ClickHousePassword = "http://"+at.ClickHouseAddr, at.ClickHouseUser, at.ClickHousePassword
	}
	return c, nil
}

// external names the servers given by address.
func external(c config.Config) localstack.Addresses {
	at := localstack.Addresses{Temporal: c.TemporalAddress, TemporalUI: c.TemporalUI, S3Endpoint: c.S3Endpoint, S3AccessKey: c.S3AccessKey, S3SecretKey: c.S3SecretKey}
	if u, err := url.Parse(c.ClickHouseAddress); err == nil && u.Host != "" {
		at.ClickHouseAddr, at.ClickHouseUser, at.ClickHousePassword = u.Host, c.ClickHouseUser, c.ClickHousePassword
	}
	return at
}

// serveTimetables answers the Timetables API in this process, unless another
// server's address is given.
func (e *embedded) serveTimetables(c config.Config, at clock.Clock) (config.Config, error) {
	if e.network == nil || c.TimetablesURL != "" {
		return c, nil
	}
	address, stop, err := serveNetwork(e.network, at, "127.0.0.1:0")
	if err != nil {
		return c, err
	}
	e.stops = append(e.stops, stop)
	c.TimetablesURL = address
	return c, nil
}

// trainWorker names the child process of the train pool.
const trainWorker = "train-worker"

// startPools runs the pools in this process, but training in one of its own:
// it may take all memory, and be killed, without taking the API along.
func (e *embedded) startPools(ctx context.Context, p program) error {
	if err := e.clock.Save(filepath.Join(e.config.DataDir, clockFile)); err != nil {
		return err
	}
	here := slices.DeleteFunc(schemas.Queues(), func(q schemas.Queue) bool { return q == schemas.QueueTrain })
	stop, err := e.startWorkers(here)
	if err != nil {
		return err
	}
	e.stops = append(e.stops, stop)
	executable, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	return e.stack.Run(ctx, localstack.ChildSpec{Name: trainWorker, Command: []string{executable, "worker", "--pool", string(schemas.QueueTrain)}, Env: e.config.Environ()})
}

// stop ends everything in reverse order and waits for it.
func (e *embedded) stop() {
	if e.stack != nil {
		e.stack.End(context.Background(), trainWorker) //nolint:errcheck // Stop reports
	}
	for _, stop := range slices.Backward(e.stops) {
		stop()
	}
	e.stops = nil
	if e.stack != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := e.stack.Stop(ctx); err != nil && e.adapters != nil {
			e.logger.Error("stop servers", "error", err)
		}
	}
}

// registerSearchAttributes makes the typed search attributes on a Temporal
// server given by address.
func (a *adapters) registerSearchAttributes(ctx context.Context) error {
	wanted := map[string]enums.IndexedValueType{}
	for _, name := range schemas.SearchAttributes() {
		wanted[name] = enums.INDEXED_VALUE_TYPE_KEYWORD
	}
	_, err := a.temporal.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
		Namespace: a.config.TemporalNamespace, SearchAttributes: wanted})
	var exists *serviceerror.AlreadyExists
	if err != nil && !errors.As(err, &exists) {
		return fmt.Errorf("register search attributes: %w", err)
	}
	return nil
}
