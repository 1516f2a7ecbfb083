package infer

import (
	"fmt"
	"net/http"

	"puenktlich/internal/vectors"
	"puenktlich/internal/vectors/mlflow"
)

func (s *Routes) mlflowRoute(handle route) http.HandlerFunc {
	return answered(handle, s.o.Logger, WriteMLflowError)
}

// WriteMLflowError writes an error as MLflow's scoring server has it.
func WriteMLflowError(w http.ResponseWriter, status int, detail string) {
	code := mlflow.BadRequest
	switch {
	case status == http.StatusServiceUnavailable:
		code = mlflow.Unavailable
	case status >= http.StatusInternalServerError:
		code = mlflow.Internal
	}
	_ = reply(w, status, mediaJSON, mlflow.EncodeError(code, detail))
}

// ping is answered well once there is a model.
func (s *Routes) ping(w http.ResponseWriter, _ *http.Request) error {
	if _, err := s.o.Champion.Current(); err != nil {
		return err
	}
	return reply(w, http.StatusOK, mediaJSON, []byte("\n"))
}

func (s *Routes) version(w http.ResponseWriter, _ *http.Request) error {
	return reply(w, http.StatusOK, "text/plain; charset=utf-8", []byte(mlflow.Version))
}

func (s *Routes) invocations(w http.ResponseWriter, r *http.Request) error {
	kind, err := media(r, mediaJSON)
	if err != nil {
		return err
	}
	decode := mlflow.DecodeJSON
	switch kind {
	case mediaJSON:
	case "text/csv":
		decode = mlflow.DecodeCSV
	default:
		return &mediaError{fmt.Sprintf("Content-Type %.64q is not taken: send application/json or text/csv", kind)}
	}
	body, release, err := s.body(w, r)
	if err != nil {
		return err
	}
	defer release()
	free, err := s.room(r.Context(), len(body))
	if err != nil {
		return err
	}
	answered, err := s.invoke(w, body, decode)
	free()
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, mediaJSON, answered)
}

// invoke is from a request's body to a reply's.
func (s *Routes) invoke(w http.ResponseWriter, body []byte, decode func([]byte, *vectors.Layout) (*vectors.Table, error)) ([]byte, error) {
	answer, layout, err := s.begin(w)
	if err != nil {
		return nil, err
	}
	table, err := decode(body, layout)
	if err != nil {
		return nil, err
	}
	b, err := whole(w, answer, table)
	if err != nil {
		return nil, err
	}
	b.Edges = answer.Package().Model.Artefact().Edges // of no rows, too
	return mlflow.Encode(b), nil
}
