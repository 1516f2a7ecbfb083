package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"puenktlich/internal/rail"
	"puenktlich/internal/registry"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// models is the resource of models.
type models struct {
	model    string
	champion Champion
	registry Registry
	events   func(ctx context.Context, model string, until time.Time) ([]schema.RegistryEvent, error)
	clock    func() moment
}

// modelAnswer says what answers here, how good it was when it was evaluated,
// and what the registry says.
type modelAnswer struct {
	Model      string                   `json:"model"`
	Serving    *schemas.PackageRef      `json:"serving"` // null before the first promotion
	Evaluation *schemas.Report          `json:"evaluation"`
	Champion   *schemas.AliasEntry      `json:"champion"`
	Challenger *schemas.ChallengerEntry `json:"challenger"`
	History    []schemas.AliasEntry     `json:"history"`
	Registry   registryState            `json:"registry"`
	Features   *servedFeatures          `json:"features"`
}

type servedFeatures struct {
	Version string   `json:"version"`
	Names   []string `json:"names"`
}

// registryState says whether the registry answered.
type registryState string

const (
	registryRead        registryState = "read"
	registryUnavailable registryState = "unavailable"
)

func (m *models) list(c *gin.Context) error {
	c.JSON(http.StatusOK, gin.H{"models": []modelAnswer{m.describe(c.Request.Context())}})
	return nil
}

func (m *models) get(c *gin.Context) error {
	if err := m.known(c.Param("name")); err != nil {
		return err
	}
	c.JSON(http.StatusOK, m.describe(c.Request.Context()))
	return nil
}

func (m *models) known(name string) error {
	if name == m.model {
		return nil
	}
	return noModel(name, m.model)
}

func noModel(name, served string) *Error {
	return &Error{Kind: KindNotFound, Detail: fmt.Sprintf("no model %q is served here", name), Near: []Match{{served, served}}}
}

func (m *models) describe(ctx context.Context) modelAnswer {
	answer := modelAnswer{Model: m.model, History: []schemas.AliasEntry{}, Registry: registryUnavailable}
	if loaded, err := m.champion.Current(); err == nil {
		report := loaded.Report
		report.Digest = loaded.Ref.Digest // of the package it is part of, which no report can know
		answer.Serving, answer.Evaluation = &loaded.Ref, &report
		answer.Features = &servedFeatures{loaded.Model.FeatureVersion(), loaded.Model.Features()}
	}
	if m.registry == nil {
		return answer
	}
	if aliases, _, err := m.registry.Aliases(ctx, m.model); err == nil {
		answer.Registry, answer.Champion, answer.Challenger = registryRead, aliases.Champion, aliases.Challenger
		answer.History = append(answer.History, aliases.History...)
	}
	return answer
}

// liveAnswer says what was live at a moment, by whom and why.
type liveAnswer struct {
	Model    string              `json:"model"`
	At       time.Time           `json:"at"`
	Champion *schemas.AliasEntry `json:"champion"` // null before the first
	Events   []registryEvent     `json:"events"`
}

// registryEvent is one change of an alias.
type registryEvent struct {
	Version         uint32 `json:"version"`
	Digest          string `json:"digest"`
	Event           string `json:"event"`
	Alias           string `json:"alias"`
	Mode            string `json:"mode"`
	PreviousVersion uint32 `json:"previous_version"`
	Actor           string `json:"actor"`
	Reason          string `json:"reason"`
	WorkflowID      string `json:"workflow_id"`
	// Evidence is a JSON object whose members depend on the event.
	Evidence   json.RawMessage `json:"evidence"`
	HappenedAt time.Time       `json:"happened_at"`
}

func (m *models) live(c *gin.Context) error {
	if err := m.known(c.Param("name")); err != nil {
		return err
	}
	at := m.clock().Now
	if text := c.Query("at"); text != "" {
		var err error
		if at, err = parseTime("at", text); err != nil {
			return err
		}
	}
	if m.registry == nil || m.events == nil {
		return unavailable("the registry cannot be read from this instance")
	}
	aliases, _, err := m.registry.Aliases(c.Request.Context(), m.model)
	var events []schema.RegistryEvent
	if err == nil {
		events, err = m.events(c.Request.Context(), m.model, at)
	}
	if err != nil {
		_ = c.Error(err)
		return unavailable("the registry cannot be read at the moment; forecasts go on")
	}
	answer := liveAnswer{Model: m.model, At: at.In(rail.Berlin), Events: []registryEvent{}}
	if entry, found := registry.LiveAt(aliases, at); found {
		answer.Champion = &entry
	}
	for _, e := range slices.Backward(events) {
		answer.Events = append(answer.Events, registryEvent{e.Version, e.Digest, e.Event, e.Alias, e.Mode, e.PreviousVersion, e.Actor, e.Reason, e.WorkflowID, evidenceOf(e), e.HappenedAt.In(rail.Berlin)})
	}
	c.JSON(http.StatusOK, answer)
	return nil
}

// evidenceOf an event; an empty object for those of before evidence was kept.
func evidenceOf(e schema.RegistryEvent) json.RawMessage {
	if !json.Valid([]byte(e.Details)) {
		return json.RawMessage("{}")
	}
	return json.RawMessage(e.Details)
}
