package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"puenktlich/internal/config"
	"puenktlich/schemas"
)

func TestGateFile(t *testing.T) {
	t.Parallel()
	file := func(text string) config.Config {
		path := filepath.Join(t.TempDir(), "gate.json")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		c, err := config.Load([]string{"PUENKTLICH_GATE=" + path}, nil)
		require.NoError(t, err)
		return c
	}
	gate, err := gatePolicy(config.Config{})
	require.NoError(t, err)
	require.Equal(t, schemas.DefaultGate(), gate)
	gate, err = gatePolicy(file(`{"max_ece": 0.03, "skill_against": "best"}`))
	require.NoError(t, err)
	require.Equal(t, 0.03, gate.MaxECE)
	require.Equal(t, schemas.BaselineBest, gate.SkillAgainst)
	require.Equal(t, 100, gate.MinEvents)
	_, err = gatePolicy(file(`{"max_eze": 0.03}`))
	require.ErrorContains(t, err, `unknown field "max_eze"`)
	require.ErrorContains(t, err, "PUENKTLICH_GATE: read ")
	_, err = gatePolicy(config.Config{Gate: "/no/such/gate.json"})
	require.ErrorContains(t, err, "PUENKTLICH_GATE: open /no/such/gate.json")
}
