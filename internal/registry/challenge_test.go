package registry_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"puenktlich/internal/registry"
	"puenktlich/schemas"
)

func challenge(version int, mode schemas.Mode, token string) schemas.ChallengeInput {
	in := schemas.ChallengeInput{Model: model, Token: token, ChallengeRequest: schemas.ChallengeRequest{
		Package: pkg(version), Mode: mode, Actor: "ops", Reason: "try", At: day(version)}}
	if mode == schemas.ModeCanary {
		in.Share = 0.1
	}
	return in
}

func TestChallengerComesAndGoes(t *testing.T) {
	t.Parallel()
	r, _ := open(t)
	registered(t, r, 3)
	do(t, r, promote(1, "a"))
	for _, step := range []struct {
		in   schemas.ChallengeInput
		want schemas.Mode
	}{
		{challenge(2, schemas.ModeShadow, "b"), schemas.ModeShadow},
		{challenge(2, schemas.ModeShadow, "b"), schemas.ModeShadow}, // repeated
		{challenge(2, schemas.ModeCanary, "c"), schemas.ModeCanary},
		{challenge(3, "", "d"), schemas.ModeCanary}, // another one cannot be taken away
		{challenge(2, "", "e"), ""},
		{challenge(2, "", "e"), ""},
	} {
		a, err := r.Challenge(t.Context(), step.in)
		must(t, err)
		var mode schemas.Mode
		if a.Challenger != nil {
			mode = a.Challenger.Mode
		}
		if mode != step.want {
			t.Errorf("%s of %d: mode %q, want %q", step.in.Token, step.in.Package.Version, mode, step.want)
		}
		wantStory(t, a, "1")
	}
	a, _, err := r.Aliases(t.Context(), model)
	must(t, err)
	if a.Revision != 4 {
		t.Errorf("revision %d, want 4: what was repeated changes nothing", a.Revision)
	}
}

func TestASwitchKeepsAnotherChallenger(t *testing.T) {
	t.Parallel()
	r, _ := open(t)
	registered(t, r, 3)
	do(t, r, promote(1, "a"))
	_, err := r.Challenge(t.Context(), challenge(2, schemas.ModeShadow, "b"))
	must(t, err)
	if a := do(t, r, promote(3, "c")); a.Challenger == nil || a.Challenger.Package.Version != 2 {
		t.Errorf("challenger %+v, want version 2", a.Challenger)
	}
	if a := do(t, r, promote(2, "d")); a.Challenger != nil {
		t.Errorf("the champion is challenged by itself: %+v", a.Challenger)
	}
}

func TestChallengeRefuses(t *testing.T) {
	t.Parallel()
	r, _ := open(t)
	registered(t, r, 3)
	_, err := r.Challenge(t.Context(), challenge(2, schemas.ModeShadow, "a"))
	must(t, err)
	share := challenge(2, schemas.ModeCanary, "b")
	share.Share = 1.5
	for name, test := range map[string]struct {
		in      schemas.ChallengeInput
		kind    error
		message string
	}{
		"a second challenger": {challenge(3, schemas.ModeShadow, "c"), registry.ErrConflict, "punctuality@2 is in shadow"},
		"an impossible share": {share, registry.ErrInvalid, "share 1.5"},
		"an unknown mode":     {challenge(2, "loud", "d"), registry.ErrInvalid, `mode "loud"`},
	} {
		if _, err := r.Challenge(t.Context(), test.in); !errors.Is(err, test.kind) || !strings.Contains(err.Error(), test.message) {
			t.Errorf("%s: %v, want %q", name, err, test.message)
		}
	}
	unregistered := challenge(2, "", "e")
	_, err = r.Challenge(t.Context(), unregistered)
	must(t, err)
	if _, err := r.Challenge(t.Context(), challenge(9, schemas.ModeShadow, "f")); !errors.Is(err, registry.ErrUnknownDigest) {
		t.Errorf("a package that was never registered: %v", err)
	}
}

// All have read the same aliases when they write: one challenger wins.
func TestOneChallengerWins(t *testing.T) {
	t.Parallel()
	const rivals = 8
	r, store := open(t)
	registered(t, r, rivals)
	read := new(sync.WaitGroup)
	read.Add(rivals)
	won := make([]error, rivals)
	var wait sync.WaitGroup
	for i := range rivals {
		wait.Go(func() {
			rival := on(&once{Store: store, first: gate{store, read}})
			_, won[i] = rival.Challenge(t.Context(), challenge(i+1, schemas.ModeShadow, string(rune('a'+i))))
		})
	}
	wait.Wait()
	winners := 0
	for _, err := range won {
		if err == nil {
			winners++
		} else if !errors.Is(err, registry.ErrConflict) {
			t.Error(err)
		}
	}
	if winners != 1 {
		t.Errorf("%d challengers won", winners)
	}
}
