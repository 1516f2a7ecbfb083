package infer

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"puenktlich/internal/serving"
	"puenktlich/internal/vectors"
	"puenktlich/internal/vectors/oip"
)

// headerLength names the length of the JSON part of a body with binary tensors.
const headerLength = "Inference-Header-Content-Length"

const (
	mediaJSON   = "application/json"
	mediaBinary = "application/octet-stream"
)

func (s *Routes) oipRoute(handle route) http.HandlerFunc {
	return answered(handle, s.o.Logger, WriteOIPError)
}

// WriteOIPError writes an error as the Open Inference Protocol has it.
func WriteOIPError(w http.ResponseWriter, status int, detail string) {
	body, err := json.Marshal(map[string]string{"error": detail})
	if err != nil {
		panic("infer: a string is JSON: " + err.Error())
	}
	_ = reply(w, status, mediaJSON, body)
}

func replyJSON(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return reply(w, status, mediaJSON, body)
}

func (s *Routes) oipServer(w http.ResponseWriter, _ *http.Request) error {
	return replyJSON(w, http.StatusOK, oip.ServerMetadata{Name: serverName, Version: s.o.Version, Extensions: oip.Extensions()})
}

func (s *Routes) oipLive(w http.ResponseWriter, _ *http.Request) error {
	return replyJSON(w, http.StatusOK, map[string]bool{"live": true})
}

func (s *Routes) oipReady(w http.ResponseWriter, _ *http.Request) error {
	_, err := s.o.Champion.Current()
	return replyJSON(w, readiness(err), map[string]bool{"ready": err == nil})
}

func readiness(err error) int {
	if err != nil {
		return http.StatusServiceUnavailable
	}
	return http.StatusOK
}

// served checks that a path names the champion; a nil package is one that is
// yet to come.
func (s *Routes) served(r *http.Request) (*serving.Loaded, error) {
	if name := r.PathValue("name"); name != s.o.Model {
		return nil, vectors.Wrong("there is no model %.64q here, only %q", name, s.o.Model)
	}
	loaded, err := s.o.Champion.Current()
	if err != nil {
		return nil, err
	}
	if version := r.PathValue("version"); version != "" && version != strconv.Itoa(loaded.Ref.Version) {
		return nil, vectors.Wrong("version %.16q of %s is not served, version %d is", version, s.o.Model, loaded.Ref.Version)
	}
	return loaded, nil
}

func (s *Routes) oipModel(w http.ResponseWriter, r *http.Request) error {
	loaded, err := s.served(r)
	if err != nil {
		return err
	}
	return replyJSON(w, http.StatusOK, oip.Describe(s.o.Model, strconv.Itoa(loaded.Ref.Version), s.layoutFor(loaded), loaded.Model.Artefact().Edges))
}

func (s *Routes) oipModelReady(w http.ResponseWriter, r *http.Request) error {
	_, err := s.served(r)
	if status, _ := describe(err); err != nil && status == http.StatusBadRequest {
		return err
	}
	return replyJSON(w, readiness(err), map[string]any{"name": s.o.Model, "ready": err == nil})
}

func (s *Routes) oipInfer(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.served(r); err != nil {
		return err
	}
	header, err := jsonPart(r)
	if err != nil {
		return err
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
	answered, header, media, err := s.infer(w, body, header)
	free()
	if err != nil {
		return err
	}
	if header != oip.AllJSON {
		w.Header().Set(headerLength, strconv.Itoa(header))
	}
	return reply(w, http.StatusOK, media, answered)
}

// infer is from a request's body to a response's.
func (s *Routes) infer(w http.ResponseWriter, body []byte, header int) ([]byte, int, string, error) {
	answer, layout, err := s.begin(w)
	if err != nil {
		return nil, 0, "", err
	}
	request, err := oip.Decode(body, header, layout)
	if err != nil {
		return nil, 0, "", err
	}
	b, err := whole(w, answer, request.Table)
	if err != nil {
		return nil, 0, "", err
	}
	if request.ID == "" {
		request.ID = w.Header().Get("X-Request-Id")
	}
	ref := answer.Package().Ref
	encoded, header := oip.Encode(oip.Answer{Model: ref.Model, Version: strconv.Itoa(ref.Version), ID: request.ID,
		Predictions: answer.ID(), Outputs: request.Outputs}, b)
	if header == oip.AllJSON {
		return encoded, header, mediaJSON, nil
	}
	return encoded, header, mediaBinary, nil
}

// jsonPart is how much of a body is JSON. Content-Type is not asked: clients of
// this protocol say octet-stream, json, or nothing.
func jsonPart(r *http.Request) (int, error) {
	text := r.Header.Get(headerLength)
	if text == "" {
		return oip.AllJSON, nil
	}
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0, vectors.Wrong("%s: %.32q is no number of bytes", headerLength, text)
	}
	return int(n), nil
}
