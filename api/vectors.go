package api

import (
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"puenktlich/api/infer"
)

// addInference serves the protocols of standard clients, which bring feature
// vectors of their own.
func (s *server) addInference(e *gin.Engine) {
	routes := infer.New(infer.Options{Forecaster: s.o.Forecaster, Champion: s.o.Champion, Now: func() time.Time { return s.clock().Now },
		Model: s.o.Model, Version: s.o.Version, Logger: s.o.Logger, Problem: s.inferenceProblem})
	for _, r := range routes.All() {
		role := RoleRead
		if r.Predict {
			role = RolePredict
		}
		path := strings.NewReplacer("{", ":", "}", "").Replace(r.Path)
		e.Handle(r.Method, path, s.o.Guard(role), s.strict(route{}), func(c *gin.Context) {
			for _, p := range c.Params {
				c.Request.SetPathValue(p.Key, p.Value)
			}
			r.Serve(c.Writer, c.Request)
		})
	}
}

// inferenceProblem is a problem of a handler that knows no gin.
func (s *server) inferenceProblem(w http.ResponseWriter, status int, detail string) {
	kind := KindInternal
	for k, about := range kinds {
		if about.status == status {
			kind = k
		}
	}
	send(w, w.Header().Get("X-Request-Id"), &Error{Kind: kind, Detail: detail})
}
