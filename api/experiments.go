package api

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"puenktlich/internal/experiment"
	schema "puenktlich/schemas/clickhouse"
)

// experimentPages are the pages on training runs, made on the server: they work
// without JavaScript.
type experimentPages struct {
	runs      *runs
	templates *template.Template
}

// experimentView is what a template is given.
type experimentView struct {
	L       experimentWords
	Lang    experiment.Language
	Other   string // address of this page in the other language
	Path    string
	Query   url.Values
	Listing experiment.Listing
	// Records and Comparison are those of a comparison; the first record is the
	// one of a card.
	Records    []experiment.Record
	Comparison experiment.Comparison
	Drawings   []experiment.Drawing
	Problem    *problem
}

// addExperiments serves the pages.
func (s *server) addExperiments(e *gin.Engine) {
	p := &experimentPages{runs: &runs{s.o.Experiments}}
	p.templates = template.Must(template.New("").Funcs(experimentFuncs()).ParseFS(pageFiles, "page/experiments/*.html"))
	r := route{role: RoleRead}
	e.GET("/experiments", s.admit(r), s.bound(r), s.page(p, "list.html", p.list))
	e.GET("/experiments/compare", s.admit(r), s.bound(r), s.page(p, "compare.html", p.compare))
	e.GET("/experiments/:id", s.admit(r), s.bound(r), s.page(p, "run.html", p.card))
}

// page makes a page of what fill reads. An error is a page too, for a browser;
// others get problem details.
func (s *server) page(p *experimentPages, name string, fill func(*gin.Context, *experimentView) error) gin.HandlerFunc {
	return func(c *gin.Context) {
		view := newExperimentView(c)
		status := http.StatusOK
		if err := fill(c, view); err != nil {
			e := describe(err)
			status = kinds[e.Kind].status
			if status >= http.StatusInternalServerError {
				s.o.Logger.Error("request failed", "request_id", requestID(c), "path", c.Request.URL.Path, "error", err)
			}
			if !strings.Contains(c.GetHeader("Accept"), "text/html") {
				writeProblem(c, e)
				return
			}
			name, view.Problem = "problem.html", &problem{Title: view.L.Problem(e.Kind), Detail: e.Detail, Near: e.Near, Accepted: e.Accepted, RequestID: requestID(c)}
		}
		var body bytes.Buffer
		if err := p.templates.ExecuteTemplate(&body, name, view); err != nil {
			_ = c.Error(fmt.Errorf("page %s: %w", name, err))
			return
		}
		c.Header("Content-Security-Policy", "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
		c.Header("Cache-Control", "no-cache")
		c.Header("Vary", "Accept, Accept-Language")
		c.Data(status, "text/html; charset=utf-8", body.Bytes())
	}
}

func newExperimentView(c *gin.Context) *experimentView {
	query := c.Request.URL.Query()
	lang := experiment.English
	asked := query.Get("lang")
	if asked == string(experiment.German) || asked != string(experiment.English) && strings.HasPrefix(c.GetHeader("Accept-Language"), "de") {
		lang = experiment.German
	}
	other := experiment.German
	if lang == experiment.German {
		other = experiment.English
	}
	swapped := c.Request.URL.Query()
	swapped.Set("lang", string(other))
	return &experimentView{L: experimentTexts(lang), Lang: lang, Other: c.Request.URL.Path + "?" + swapped.Encode(), Path: c.Request.URL.Path, Query: query}
}

func (p *experimentPages) list(c *gin.Context, v *experimentView) (err error) {
	if err := onlyKnown(v.Query, append(filters(), "lang")); err != nil {
		return err
	}
	v.Listing, err = p.runs.read(c)
	return err
}

func (p *experimentPages) card(c *gin.Context, v *experimentView) (err error) {
	if err := onlyKnown(v.Query, []string{"lang"}); err != nil {
		return err
	}
	if v.Records, err = p.runs.records(c, []string{c.Param("id")}); err != nil {
		return err
	}
	v.Comparison = experiment.Compare(v.Records)
	v.Drawings = p.runs.experiments.Draw(c.Request.Context(), v.Records, v.Lang)
	return nil
}

// compare takes ids several times, as a form sends them, and with commas.
func (p *experimentPages) compare(c *gin.Context, v *experimentView) (err error) {
	if err := onlyKnown(v.Query, []string{"lang", "ids"}); err != nil {
		return err
	}
	ids := strings.FieldsFunc(strings.Join(v.Query["ids"], ","), func(r rune) bool { return r == ',' || r == ' ' })
	if len(ids) < 2 {
		return &Error{Kind: KindInvalid, Detail: v.L.ChooseTwo}
	}
	if v.Records, err = p.runs.records(c, ids); err != nil {
		return err
	}
	if len(v.Records) < 2 {
		return &Error{Kind: KindInvalid, Detail: v.L.ChooseTwo}
	}
	v.Comparison = experiment.Compare(v.Records)
	v.Drawings = p.runs.experiments.Draw(c.Request.Context(), v.Records, v.Lang)
	return nil
}

// onlyKnown refuses query parameters that a page does not know.
func onlyKnown(query url.Values, accepts []string) error {
	for name := range query {
		if !slices.Contains(accepts, name) {
			e := invalid("unknown query parameter %q: %s", name, accepted(accepts))
			e.Accepted = accepts
			return e
		}
	}
	return nil
}

// One is the only record of a card.
func (v *experimentView) One() (experiment.Record, error) {
	if len(v.Records) == 0 {
		return experiment.Record{}, errors.New("no record")
	}
	return v.Records[0], nil
}

// Statuses are those a run can have.
func (v *experimentView) Statuses() []schema.RunStatus { return statuses() }

// Value is a metric of a run as text, empty where the run has none.
func (v *experimentView) Value(run experiment.Summary, metric string) string {
	value, found := run.Metrics[metric]
	if !found {
		return ""
	}
	return v.L.Number(value)
}

// Settings are those that are the same in all runs, or those that differ.
func (v *experimentView) Settings(same bool) []experiment.Setting {
	var all []experiment.Setting
	for _, s := range v.Comparison.Settings {
		if s.Same == same {
			all = append(all, s)
		}
	}
	return all
}

// Metrics are the important ones, or the others.
func (v *experimentView) Metrics(important bool) []experiment.MetricRow {
	var all []experiment.MetricRow
	for _, row := range v.Comparison.Metrics {
		if experiment.Important(row.Name) == important {
			all = append(all, row)
		}
	}
	return all
}

// IDs are the compared runs', as the data behind the page takes them.
func (v *experimentView) IDs() string {
	var ids []string
	for _, r := range v.Records {
		ids = append(ids, r.ID)
	}
	return strings.Join(ids, ",")
}

// Link is an address in the language of the page.
func (v *experimentView) Link(path string) string { return path + "?lang=" + string(v.Lang) }
