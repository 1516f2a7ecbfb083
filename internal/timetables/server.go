package timetables

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"puenktlich/internal/rail"
)

// ServerOptions are optional: the zero value serves everyone.
type ServerOptions struct {
	// ClientID and APIKey are demanded in the two headers of the API where
	// APIKey is not empty; a request without them is answered with 401.
	ClientID string
	APIKey   string
}

// server serves a Source in the wire format of the API: plan, fchg, rchg and
// station below BasePath, with its status codes: 200, 400 for a call that
// cannot be, 401, 404 for what the source does not have, 500. A source that is
// a Network also has its stations and its span, as JSON, at /stations and
// /span (there and below BasePath).
type server struct {
	source  Source
	now     func() time.Time
	options ServerOptions
}

// NewServer serves source. A request is about the moment in its HeaderAsOf,
// else about now().
func NewServer(source Source, now func() time.Time, options ServerOptions) http.Handler {
	s := &server{source: source, now: now, options: options}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+BasePath+"/plan/{eva}/{date}/{hour}", s.plan)
	mux.HandleFunc("GET "+BasePath+"/fchg/{eva}", s.changes(CallFull))
	mux.HandleFunc("GET "+BasePath+"/rchg/{eva}", s.changes(CallRecent))
	mux.HandleFunc("GET "+BasePath+"/station/{pattern}", s.network(stationPattern))
	for _, base := range []string{"", BasePath} {
		mux.HandleFunc("GET "+base+"/stations", s.network(stationList))
		mux.HandleFunc("GET "+base+"/span", s.network(spanOf))
	}
	return s.admit(mux)
}

// admit checks the keys in constant time.
func (s *server) admit(next http.Handler) http.Handler {
	if s.options.APIKey == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := same(r.Header.Get(HeaderClientID), s.options.ClientID)
		if !same(r.Header.Get(HeaderAPIKey), s.options.APIKey) || !id {
			http.Error(w, "Invalid client id or secret.", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func same(got, want string) bool {
	return subtle.ConstantTimeCompare([]byte(got), []byte(want)) == 1
}

func (s *server) plan(w http.ResponseWriter, r *http.Request) {
	hour, err := parseHour(r.PathValue("date"), r.PathValue("hour"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.answer(w, r, Call{Kind: CallPlan, Hour: hour})
}

func (s *server) changes(kind CallKind) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { s.answer(w, r, Call{Kind: kind}) }
}

func (s *server) answer(w http.ResponseWriter, r *http.Request, call Call) {
	var err error
	if call.EVA, err = parseEVA(r.PathValue("eva")); err == nil {
		call.AsOf, err = s.asOf(r)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	response, err := s.source.Get(r.Context(), call)
	setMoment(w.Header(), HeaderPolledAt, response.PolledAt)
	setMoment(w.Header(), HeaderNextPoll, response.Next)
	if network, ok := s.source.(Network); ok {
		_, to := network.Span()
		setMoment(w.Header(), HeaderEndsAt, to)
	}
	switch {
	case errors.Is(err, ErrNotFound):
		http.Error(w, err.Error(), http.StatusNotFound)
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	default:
		w.Header().Set("Content-Type", "application/xml;charset=UTF-8")
		_, _ = w.Write(response.Body) // a client that has gone needs no answer
	}
}

func (s *server) asOf(r *http.Request) (time.Time, error) {
	value := r.Header.Get(HeaderAsOf)
	if value == "" {
		return s.now().UTC(), nil
	}
	t, err := time.Parse(time.RFC3339Nano, value)
	if err != nil {
		return time.Time{}, errors.New(HeaderAsOf + " " + value + ": want RFC 3339")
	}
	return t.UTC(), nil
}

// network answers 404 where the source knows no stations.
func (s *server) network(answer func(Network, http.ResponseWriter, *http.Request)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		network, ok := s.source.(Network)
		if !ok {
			http.Error(w, "this source does not list its stations", http.StatusNotFound)
			return
		}
		answer(network, w, r)
	}
}

func stationPattern(n Network, w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/xml;charset=UTF-8")
	_, _ = w.Write(encodeStations(matchStations(n.Stations(), r.PathValue("pattern"))))
}

func stationList(n Network, w http.ResponseWriter, _ *http.Request) {
	stations := n.Stations()
	if stations == nil {
		stations = []rail.Station{}
	}
	writeJSON(w, stations)
}

// spanDocument is the JSON of /span; To is left out where there is no end.
type spanDocument struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to,omitzero"`
}

func spanOf(n Network, w http.ResponseWriter, _ *http.Request) {
	from, to := n.Span()
	document := spanDocument{From: from.UTC()}
	if !to.IsZero() {
		document.To = to.UTC()
	}
	writeJSON(w, document)
}

func writeJSON(w http.ResponseWriter, document any) {
	body, err := json.Marshal(document)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body)
}
