package api

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"puenktlich/internal/serving"
)

// health is for those who watch the process.
type health struct {
	live     Live
	champion Champion
	instance string
}

func (h *health) alive(c *gin.Context) error {
	c.JSON(http.StatusOK, gin.H{"status": "ok", "instance": h.instance})
	return nil
}

// readiness says what is there and what is missing.
type readiness struct {
	Ready          bool     `json:"ready"`
	Instance       string   `json:"instance"`
	Champion       string   `json:"champion,omitempty"` // digest
	LiveState      bool     `json:"live_state"`
	Following      bool     `json:"following"` // the live state reaches its store
	DataAgeSeconds *float64 `json:"data_age_seconds"`
	Missing        []string `json:"missing"`
}

// ready is 200 once there are a champion and a live state; a store that went
// away since does not change it, since forecasts go on.
func (h *health) ready(c *gin.Context) error {
	r := readiness{Instance: h.instance, LiveState: h.live.Ready(), Following: h.live.Ready() && h.live.Fault() == nil,
		DataAgeSeconds: serving.AgeSeconds(h.live.Age()), Missing: []string{}}
	if loaded, err := h.champion.Current(); err == nil {
		r.Champion = loaded.Ref.Digest
	} else {
		r.Missing = append(r.Missing, err.Error())
	}
	if !r.LiveState {
		r.Missing = append(r.Missing, "the live state is not filled yet")
	}
	status := http.StatusServiceUnavailable
	if r.Ready = len(r.Missing) == 0; r.Ready {
		status = http.StatusOK
	}
	c.JSON(status, r)
	return nil
}
