package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"time"

	"puenktlich/internal/clock"
	"puenktlich/internal/config"
	"puenktlich/internal/rail"
	"puenktlich/internal/railsim"
	"puenktlich/internal/timetables"
	"puenktlich/internal/timetables/archive"
	"puenktlich/schemas"
)

// liveURL is Deutsche Bahn's Timetables API.
const liveURL = "https://apis.deutschebahn.com/db-api-marketplace/apis/timetables/v1"

// How long an answer of the live API is waited for, and how often one is asked for:
// it comes within a second, a minute's calls share the minute, and the next minute
// asks again.
const (
	liveTimeout  = 15 * time.Second
	liveAttempts = 2
)

// pollEvery is the pause between polls where the source does not say when its
// next answer is due.
const pollEvery = time.Minute

// sourceName names the rows of a source in the store.
func sourceName(c config.Config) string {
	if c.Source == config.SourceRecording && c.Recordings != "" {
		return filepath.Base(filepath.Clean(c.Recordings))
	}
	return string(c.Source)
}

// provenance says where a source's data comes from.
func provenance(c config.Config) schemas.Provenance {
	if c.Source == config.SourceSimulation {
		return schemas.Provenance{Source: fmt.Sprintf("simulated railway, seed %d", c.Seed), Licence: "made by this program"}
	}
	return schemas.Provenance{Source: "Deutsche Bahn Timetables API (" + sourceName(c) + ")", Publisher: "Deutsche Bahn / DB InfraGO",
		Licence: "CC BY 4.0", Attribution: "Deutsche Bahn / DB InfraGO"}
}

// network opens the recording or the simulated railway of a configuration.
func network(c config.Config) (timetables.Network, error) {
	if c.Source == config.SourceRecording {
		return archive.OpenRecording(c.Recordings)
	}
	return railsim.New(railsim.Options{Seed: c.Seed})
}

// serveNetwork answers the Timetables API from a network at a loopback address.
func serveNetwork(n timetables.Network, at clock.Clock, listen string) (url string, stop func(), err error) {
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return "", nil, fmt.Errorf("serve the Timetables API at %s: %w", listen, err)
	}
	server := &http.Server{Handler: timetables.NewServer(n, at.Now, timetables.ServerOptions{}), ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(listener) //nolint:errcheck // ends with Close
	return "http://" + listener.Addr().String() + timetables.BasePath, func() { server.Close() }, nil
}

// timetablesClient speaks to whatever serves the API.
func timetablesClient(c config.Config, at clock.Clock) (*timetables.Client, error) {
	options := timetables.ClientOptions{BaseURL: c.TimetablesURL, ClientID: c.ClientID, APIKey: c.APIKey, SendAsOf: c.Source != config.SourceLive, Now: at.Now}
	if c.Source == config.SourceLive {
		options.CallsPerMinute, options.Timeout, options.Attempts = c.CallsPerMinute, liveTimeout, liveAttempts
		if options.BaseURL == "" {
			options.BaseURL = liveURL
		}
	}
	return timetables.NewClient(options)
}

// groupSize bounds the stations of one group, so that one activity covers a
// window in bounded memory.
const groupSize = 40

// stationGroups shares stations out to groups: main, main-2 ...
func stationGroups(stations []rail.Station) map[string][]rail.Station {
	groups := map[string][]rail.Station{}
	for i, part := range slices.Collect(slices.Chunk(stations, groupSize)) {
		name := schemas.DefaultGroup
		if i > 0 {
			name = fmt.Sprintf("%s-%d", schemas.DefaultGroup, i+1)
		}
		groups[name] = part
	}
	return groups
}

// collected lists the stations of a source: those configured, else all it has.
func collected(ctx context.Context, c config.Config, client *timetables.Client) ([]rail.Station, error) {
	if len(c.Stations) > 0 {
		var stations []rail.Station
		for _, eva := range c.Stations {
			stations = append(stations, rail.Station{EVA: eva, Name: fmt.Sprint(eva)})
		}
		return stations, nil
	}
	stations, err := client.Stations(ctx)
	if err != nil {
		return nil, fmt.Errorf("stations of the %s: %w", c.Source, err)
	}
	return stations, nil
}
