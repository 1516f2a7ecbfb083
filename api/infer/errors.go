package infer

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"puenktlich/internal/forecast"
	"puenktlich/internal/serving"
	"puenktlich/internal/vectors"
	"puenktlich/internal/vectors/columnar"
	"puenktlich/internal/vectors/mlflow"
)

// route is a handler that returns its error.
type route func(w http.ResponseWriter, r *http.Request) error

// describe is the status of an error and a sentence for the caller.
func describe(err error) (status int, detail string) {
	var (
		wrong *vectors.Error
		value *forecast.RowError
		media *mediaError
		large *http.MaxBytesError
		lost  *columnar.ReadError
	)
	switch {
	case errors.As(err, &wrong) && wrong.TooLarge, errors.As(err, &large):
		return http.StatusRequestEntityTooLarge, err.Error()
	case wrong != nil, errors.As(err, &value):
		return http.StatusBadRequest, err.Error()
	case errors.As(err, &media), errors.Is(err, mlflow.ErrEncoding):
		return http.StatusUnsupportedMediaType, err.Error()
	case errors.Is(err, serving.ErrNoChampion), errors.Is(err, errBusy), errors.Is(err, columnar.ErrMemory):
		return http.StatusServiceUnavailable, err.Error()
	case errors.Is(err, serving.ErrNotLogged):
		return http.StatusServiceUnavailable, "the forecasts were made but could not be logged, and are not given out unlogged; try again later"
	case lateBody(err):
		return http.StatusRequestTimeout, "the body came too slowly"
	case errors.As(err, &lost), errors.Is(err, context.Canceled):
		return http.StatusBadRequest, "the body could not be read to its end"
	}
	return http.StatusInternalServerError, "the log of this instance has the cause under the request id"
}

// answered runs a handler; write puts its error into the shape of a protocol.
func answered(handle route, logger *slog.Logger, write func(w http.ResponseWriter, status int, detail string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := handle(w, r)
		if err == nil {
			return
		}
		status, detail := describe(err)
		if status >= http.StatusInternalServerError {
			logger.Error("request failed", "request_id", w.Header().Get("X-Request-Id"), "path", r.URL.Path, "error", err)
		}
		if status == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", "5")
		}
		write(w, status, detail)
	}
}

// WriteForeign writes an error that arose before a handler in the shape of the
// protocol that a path belongs to; false where it is none of these.
func WriteForeign(w http.ResponseWriter, path string, status int, detail string) bool {
	switch {
	case path == "/v2" || strings.HasPrefix(path, "/v2/"):
		WriteOIPError(w, status, detail)
	case slices.Contains([]string{"/invocations", "/ping", "/health", "/version"}, path):
		WriteMLflowError(w, status, detail)
	default:
		return false
	}
	return true
}

func reply(w http.ResponseWriter, status int, media string, body []byte) error {
	w.Header().Set("Content-Type", media)
	w.WriteHeader(status)
	_, _ = w.Write(body) // a caller that is gone is nobody's fault
	return nil
}
