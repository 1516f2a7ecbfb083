package api

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"puenktlich/internal/access"
	"puenktlich/internal/rail"
	schema "puenktlich/schemas/clickhouse"
)

// Bounds of what is said of a forecast.
const (
	maxFeedbackBytes = 8 << 10
	maxComment       = 280         // characters
	maxDelay         = 24 * 60     // minutes
	minDelay         = -60         // minutes
	minDigits        = 7           // a number as long as this may be somebody's
	feedbackKept     = "13 months" // as the table says
)

// feedback is the resource of what consumers say of forecasts.
type feedback struct {
	predictions *predictions
	record      Record
	clock       func() moment
	instance    string
}

// said is the body. Delay and cancelled belong to an outcome alone.
type said struct {
	PredictionID string `json:"prediction_id"`
	Kind         string `json:"kind"`
	DelayMinutes *int   `json:"delay_minutes"`
	Cancelled    bool   `json:"cancelled"`
	Comment      string `json:"comment"`
}

// heardAnswer is what was kept.
type heardAnswer struct {
	FeedbackID   string `json:"feedback_id"`
	PredictionID string `json:"prediction_id"`
	Kept         string `json:"kept"`
}

// remark is feedback as a prediction shows it.
type remark struct {
	Kind         string    `json:"kind"`
	DelayMinutes *int32    `json:"delay_minutes,omitempty"`
	Cancelled    bool      `json:"cancelled,omitempty"`
	Comment      string    `json:"comment,omitempty"`
	GivenAt      time.Time `json:"given_at"`
}

func (f *feedback) post(c *gin.Context) error {
	var in said
	if err := decode(c, &in); err != nil {
		return err
	}
	if err := in.check(); err != nil {
		return err
	}
	if f.record == nil {
		return unavailable("feedback cannot be kept: this instance has no store")
	}
	if _, _, err := f.predictions.find(c, in.PredictionID); err != nil {
		return err
	}
	row := schema.Feedback{FeedbackID: feedbackOwner(callerOf(c)) + requestID(c), PredictionID: in.PredictionID, Kind: schema.FeedbackKind(in.Kind),
		Cancelled: in.Cancelled, Comment: strings.TrimSpace(in.Comment), Instance: f.instance, GivenAt: f.clock().Now}
	if in.DelayMinutes != nil {
		row.DelayMinutes = int32(*in.DelayMinutes)
	}
	if err := f.record.SaveFeedback(c.Request.Context(), row); err != nil {
		_ = c.Error(err)
		return unavailable("feedback cannot be kept at the moment: send it again later, with the same X-Request-Id")
	}
	c.JSON(http.StatusOK, heardAnswer{requestID(c), row.PredictionID, feedbackKept})
	return nil
}

// check says what is wrong with what was said.
func (s said) check() error {
	if !sane.MatchString(s.PredictionID) {
		return invalid("prediction_id=%q: forecasts carry it", s.PredictionID)
	}
	outcome := schema.FeedbackKind(s.Kind) == schema.FeedbackOutcome
	switch schema.FeedbackKind(s.Kind) {
	case schema.FeedbackOutcome, schema.FeedbackUseful, schema.FeedbackUseless:
	default:
		e := invalid("kind=%q: want outcome, useful or useless", s.Kind)
		e.Accepted = []string{string(schema.FeedbackOutcome), string(schema.FeedbackUseful), string(schema.FeedbackUseless)}
		return e
	}
	switch ran := s.DelayMinutes != nil; {
	case !outcome && (ran || s.Cancelled):
		return invalid("delay_minutes and cancelled belong to the kind outcome")
	case outcome && ran == s.Cancelled:
		return invalid("an outcome is either delay_minutes or cancelled=true")
	case ran && (*s.DelayMinutes < minDelay || *s.DelayMinutes > maxDelay):
		return invalid("delay_minutes=%d: want %d to %d", *s.DelayMinutes, minDelay, maxDelay)
	}
	return checkComment(s.Comment)
}

var manyDigits = regexp.MustCompile(fmt.Sprintf(`(\d[ /.-]?){%d,}`, minDigits))

// checkComment keeps out what is long, no text, or looks like somebody's address
// or number: nothing personal is stored.
func checkComment(comment string) error {
	switch {
	case utf8.RuneCountInString(comment) > maxComment:
		return invalid("the comment has %d characters, at most %d are kept", utf8.RuneCountInString(comment), maxComment)
	case strings.ContainsFunc(comment, func(r rune) bool { return unicode.IsControl(r) && r != '\n' }):
		return invalid("the comment holds control characters")
	case strings.ContainsRune(comment, '@') || manyDigits.MatchString(comment):
		return invalid("the comment holds an @ or %d digits in a row, as addresses and telephone numbers do: nothing personal is kept, leave it out", minDigits)
	}
	return nil
}

// feedbackOwner begins the ids of what a key said: no key can replace what another
// said, nor those without one, since the ids of requests hold no slash.
func feedbackOwner(caller access.Caller) string {
	if caller.KeyID == "" {
		return ""
	}
	return caller.KeyID + "/"
}

// remarks are those that the caller made itself, all of them for an operator.
func remarks(all []schema.Feedback, caller access.Caller) []remark {
	out := []remark{}
	for _, f := range all {
		owner, _, owned := strings.Cut(f.FeedbackID, "/")
		own := owned && owner == caller.KeyID || !owned && caller.KeyID == ""
		if !own && !caller.Role.Includes(RoleOperate) {
			continue
		}
		r := remark{Kind: string(f.Kind), Cancelled: f.Cancelled, Comment: f.Comment, GivenAt: f.GivenAt.In(rail.Berlin)}
		if f.Kind == schema.FeedbackOutcome && !f.Cancelled {
			r.DelayMinutes = &f.DelayMinutes
		}
		out = append(out, r)
	}
	return out
}
