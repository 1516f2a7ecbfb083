package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"

	"puenktlich/internal/rail"
)

// Reports reads the pages of nights. found is false where a day has none.
type Reports func(ctx context.Context, day string) (page []byte, found bool, err error)

// addReports serves the page of a night as it was stored.
func (s *server) addReports(e *gin.Engine) {
	r := route{role: RoleRead}
	e.GET("/reports/:day", s.admit(r), s.bound(r), s.strict(r), adapt(s.report))
}

func (s *server) report(c *gin.Context) error {
	day, err := rail.ParseDay(c.Param("day"))
	if err != nil {
		return &Error{Kind: KindInvalid, Detail: err.Error()}
	}
	if s.o.Reports == nil {
		return &Error{Kind: KindUnavailable, Detail: "this instance knows no store of reports"}
	}
	page, found, err := s.o.Reports(c.Request.Context(), string(day))
	if err != nil {
		s.o.Logger.Warn("report not read", "day", day, "error", err)
		return &Error{Kind: KindUnavailable, Detail: fmt.Sprintf("the report of %s cannot be read at present", day)}
	}
	if !found {
		return &Error{Kind: KindNotFound, Detail: fmt.Sprintf("there is no report of %s: MonitorModel writes one for each night; `puenktlich verdicts list` shows the days judged", day)}
	}
	c.Header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	c.Header("Cache-Control", "no-cache")
	c.Data(http.StatusOK, "text/html; charset=utf-8", page)
	return nil
}
