package api

import (
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"puenktlich/api/infer"
)

// addInference serves the protocols of standard clients, which bring feature
// vectors of their own. Their handlers keep the bounds of bodies and times
// themselves: clients of these protocols name no or other content types.
func (s *server) addInference(e *gin.Engine) {
	for _, r := range s.inference() {
		e.Handle(r.verb(), r.path, s.admit(r), s.strict(r), adapt(r.handle))
	}
}

// inference are its routes.
func (s *server) inference() []route {
	served := infer.New(infer.Options{Forecaster: s.o.Forecaster, Champion: s.o.Champion, Now: func() time.Time { return s.clock().Now },
		Model: s.o.Model, Version: s.o.Version, Logger: s.o.Logger, Problem: s.inferenceProblem})
	var all []route
	for _, r := range served.All() {
		all = append(all, route{method: r.Method, path: strings.NewReplacer("{", ":", "}", "").Replace(r.Path), role: inferenceRole(r.For), local: true,
			handle: func(c *gin.Context) error {
				for _, p := range c.Params {
					c.Request.SetPathValue(p.Key, p.Value)
				}
				r.Serve(c.Writer, c.Request)
				return nil
			}})
	}
	return all
}

func inferenceRole(purpose infer.Purpose) Role {
	switch purpose {
	case infer.Probing:
		return ""
	case infer.Describing:
		return RoleRead
	}
	return RolePredict
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
