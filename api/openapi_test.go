package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// document is the part of OpenAPI 3.1 that these tests read.
type document struct {
	OpenAPI    string                          `json:"openapi"`
	Paths      map[string]map[string]operation `json:"paths"`
	Components struct {
		Schemas map[string]shape `json:"schemas"`
	} `json:"components"`
}

type operation struct {
	Parameters  []struct{ Name, In string } `json:"parameters"`
	RequestBody *struct {
		Required bool `json:"required"`
		Content  map[string]struct {
			Schema shape `json:"schema"`
		} `json:"content"`
	} `json:"requestBody"`
	Responses map[string]struct {
		Ref     string `json:"$ref"`
		Content map[string]struct {
			Schema shape `json:"schema"`
		} `json:"content"`
	} `json:"responses"`
}

// shape is a schema, as far as the document uses them.
type shape struct {
	Ref                  string           `json:"$ref"`
	Type                 any              `json:"type"`
	Properties           map[string]shape `json:"properties"`
	Required             []string         `json:"required"`
	AdditionalProperties *bool            `json:"additionalProperties"`
	Items                *shape           `json:"items"`
	OneOf                []shape          `json:"oneOf"`
	Enum                 []string         `json:"enum"`
	Minimum, Maximum     *float64
}

func read(t *testing.T) document {
	t.Helper()
	s := &server{o: Options{}.withDefaults()}
	source, err := completeDocument(openAPISource, s.described())
	if err != nil {
		t.Fatal(err)
	}
	var d document
	if err := json.Unmarshal(source, &d); err != nil {
		t.Fatal(err)
	}
	if d.OpenAPI != "3.1.0" || len(d.Paths) == 0 {
		t.Fatalf("openapi.json is of version %q with %d paths", d.OpenAPI, len(d.Paths))
	}
	return d
}

var parameter = regexp.MustCompile(`:([a-z_]+)`)

func TestTheDocumentListsTheRoutes(t *testing.T) {
	t.Parallel()
	d := read(t)
	var served, described []string
	for _, r := range build(t).Routes() {
		if r.Path == "/" || strings.HasPrefix(r.Path, "/assets/") || strings.HasPrefix(r.Path, "/experiments") || strings.HasPrefix(r.Path, "/reports/") { // pages are no API
			continue
		}
		served = append(served, r.Method+" "+parameter.ReplaceAllString(r.Path, "{$1}"))
	}
	for path, operations := range d.Paths {
		for method := range operations {
			described = append(described, strings.ToUpper(method)+" "+path)
		}
	}
	slices.Sort(served)
	slices.Sort(described)
	if !slices.Equal(served, described) {
		t.Errorf("served    %q\ndescribed %q", served, described)
	}
}

func TestTheDocumentListsTheParameters(t *testing.T) {
	t.Parallel()
	d := read(t)
	s := &server{o: Options{}.withDefaults()}
	for _, r := range s.described() {
		want := slices.Sorted(slices.Values(r.accepts))
		for _, match := range parameter.FindAllStringSubmatch(r.path, -1) {
			want = append(want, "path "+match[1])
		}
		var got []string
		for _, p := range d.Paths[parameter.ReplaceAllString(r.path, "{$1}")][strings.ToLower(r.verb())].Parameters {
			if p.In == "path" {
				p.Name = "path " + p.Name
			}
			got = append(got, p.Name)
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s %s takes %q, the document says %q", r.verb(), r.path, want, got)
		}
	}
}

// A route that takes a body says which kinds of body, and no other does.
func TestTheDocumentListsTheBodies(t *testing.T) {
	t.Parallel()
	d := read(t)
	s := &server{o: Options{}.withDefaults()}
	for _, r := range s.described() {
		var want, got []string
		if r.body > 0 {
			if want = r.media; len(want) == 0 {
				want = []string{"application/json"}
			}
		}
		if body := d.Paths[parameter.ReplaceAllString(r.path, "{$1}")][strings.ToLower(r.verb())].RequestBody; body != nil {
			got = slices.Sorted(maps.Keys(body.Content))
		}
		if want = slices.Sorted(slices.Values(want)); !slices.Equal(got, want) {
			t.Errorf("%s %s reads %q, the document says %q", r.verb(), r.path, want, got)
		}
	}
}

// Every kind of answer has the shape the document gives it.
func TestAnswersHaveTheShapeOfTheDocument(t *testing.T) {
	t.Parallel()
	d := read(t)
	h := open(t)
	stop := url.QueryEscape(string(departure(2, 50).Stop))
	id := h.get(t, boardPath).body["stops"].([]any)[0].(map[string]any)["prediction_id"].(string)
	tests := []struct {
		path, template string
		status         int
	}{
		{"/v1/stations", "/v1/stations", 200},
		{boardPath + "?hours=12", "/v1/stations/{eva}/forecasts", 200},
		{boardPath + "?wrong=1", "/v1/stations/{eva}/forecasts", 400},
		{"/v1/stations/1/forecasts", "/v1/stations/{eva}/forecasts", 404},
		{"/v1/forecasts?stop_id=" + stop, "/v1/forecasts", 200},
		{"/v1/forecasts?stop_id=" + url.QueryEscape(string(departure(3, -30).Stop)), "/v1/forecasts", 422},
		{"/v1/forecasts?station=8000105&train=RE+54", "/v1/forecasts", 409},
		{"/v1/predictions/" + id, "/v1/predictions/{id}", 200},
		{"/v1/models/punctuality/scores", "/v1/models/{name}/scores", 200},
		{"/v1/models/punctuality/scores?from=yesterday", "/v1/models/{name}/scores", 400},
		{"/v1/alerts?state=all", "/v1/alerts", 200},
		{"/v1/models/punctuality", "/v1/models/{name}", 200},
		{"/v1/models/other", "/v1/models/{name}", 404},
		{"/healthz", "/healthz", 200},
		{"/readyz", "/readyz", 200},
		{"/openapi.json", "/openapi.json", 200},
	}
	for _, test := range tests {
		a := h.get(t, test.path)
		media := strings.Split(a.header.Get("Content-Type"), ";")[0]
		described, found := d.Paths[test.template]["get"].Responses[fmt.Sprint(a.status)].Content[media]
		if a.status != test.status || !found {
			t.Errorf("%s: %d %s, want %d and the document to describe it: %s", test.path, a.status, media, test.status, a.raw)
			continue
		}
		for _, problem := range d.check(described.Schema, a.body, "") {
			t.Errorf("%s: %s", test.path, problem)
		}
	}
	notReady := build(t).get(t, "/readyz")
	for _, problem := range d.check(d.Components.Schemas["Readiness"], notReady.body, "") {
		t.Errorf("/readyz, not ready: %s", problem)
	}
}

// check compares a JSON value with a schema.
func (d document) check(s shape, v any, at string) []string {
	if s.Ref != "" {
		s = d.Components.Schemas[strings.TrimPrefix(s.Ref, "#/components/schemas/")]
	}
	if len(s.OneOf) > 0 {
		return d.checkOneOf(s.OneOf, v, at)
	}
	if !slices.Contains(types(s.Type), kind(v)) && !(kind(v) == "integer" && slices.Contains(types(s.Type), "number")) {
		return []string{fmt.Sprintf("%s is %s %v, want %v", at, kind(v), v, s.Type)}
	}
	var problems []string
	switch v := v.(type) {
	case map[string]any:
		problems = d.checkObject(s, v, at)
	case []any:
		for i, item := range v {
			problems = append(problems, d.check(*s.Items, item, fmt.Sprintf("%s[%d]", at, i))...)
		}
	case string:
		if len(s.Enum) > 0 && !slices.Contains(s.Enum, v) {
			problems = append(problems, fmt.Sprintf("%s is %q, want one of %q", at, v, s.Enum))
		}
	case float64:
		if s.Minimum != nil && v < *s.Minimum || s.Maximum != nil && v > *s.Maximum {
			problems = append(problems, fmt.Sprintf("%s is %v, out of range", at, v))
		}
	}
	return problems
}

func (d document) checkObject(s shape, v map[string]any, at string) []string {
	var problems []string
	for _, name := range s.Required {
		if _, found := v[name]; !found {
			problems = append(problems, at+"."+name+" is missing")
		}
	}
	for name, value := range v {
		property, found := s.Properties[name]
		switch {
		case found:
			problems = append(problems, d.check(property, value, at+"."+name)...)
		case s.AdditionalProperties != nil && !*s.AdditionalProperties:
			problems = append(problems, at+"."+name+" is not described")
		}
	}
	return problems
}

func (d document) checkOneOf(choices []shape, v any, at string) []string {
	var problems []string
	for _, choice := range choices {
		found := d.check(choice, v, at)
		if len(found) == 0 {
			return nil
		}
		problems = append(problems, found...)
	}
	return problems
}

func types(t any) []string {
	switch t := t.(type) {
	case string:
		return []string{t}
	case []any:
		var all []string
		for _, one := range t {
			all = append(all, one.(string))
		}
		return all
	}
	return nil
}

func kind(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case []any:
		return "array"
	case float64:
		if v == float64(int64(v)) {
			return "integer"
		}
		return "number"
	}
	return "object"
}

func TestPageLoadsNothingFromElsewhere(t *testing.T) {
	t.Parallel()
	h := build(t)
	for path, media := range map[string]string{"/": "text/html", "/assets/page.js": "text/javascript", "/assets/page.css": "text/css"} {
		recorder := httptest.NewRecorder()
		h.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		body := recorder.Body.String()
		if recorder.Code != 200 || !strings.HasPrefix(recorder.Header().Get("Content-Type"), media) || recorder.Header().Get("Content-Security-Policy") == "" {
			t.Errorf("%s: %d %v", path, recorder.Code, recorder.Header())
		}
		if strings.Contains(body, "http://") || strings.Contains(body, "https://") || strings.Contains(body, "innerHTML") {
			t.Errorf("%s names another server or writes markup", path)
		}
	}
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	if !strings.Contains(recorder.Body.String(), "puenktlich_http_request_seconds") {
		t.Errorf("metrics: %d %s", recorder.Code, recorder.Body)
	}
}
