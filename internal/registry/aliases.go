package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"puenktlich/schemas"
)

// MaxHistory is how many earlier champions an alias keeps, and so how many
// switches back a repeated token is recognised.
const MaxHistory = 50

func aliasKey(model string) string { return "aliases/" + model + ".json" }

// Aliases reads a model's alias and its etag. A model that never had a champion
// has empty aliases and no etag.
func (r Registry) Aliases(ctx context.Context, model string) (schemas.Aliases, string, error) {
	if err := checkModel(model); err != nil {
		return schemas.Aliases{}, "", err
	}
	a := schemas.Aliases{Model: model}
	etag, _, err := r.get(ctx, aliasKey(model), &a)
	if err != nil {
		return schemas.Aliases{}, "", err
	}
	return a, etag, nil
}

// Switch makes a registered package champion or, with Rollback, an earlier
// champion: the one with in.Digest, else the newest whose package differs from
// the present one. It answers the aliases afterwards and whether this call, or
// an earlier one with the same token, is what changed them; changed is false
// only where the package was champion already.
//
// The write is conditional: of several at once one wins, the others get
// ErrConflict. The same token is the same switch and is made once.
func (r Registry) Switch(ctx context.Context, in schemas.SwitchInput) (a schemas.Aliases, changed bool, err error) {
	if err := check(in); err != nil {
		return schemas.Aliases{}, false, err
	}
	a, etag, err := r.Aliases(ctx, in.Model)
	if err != nil || made(a, in.Token) {
		return a, err == nil, err
	}
	entry, err := r.target(ctx, a, in)
	if err != nil {
		return schemas.Aliases{}, false, fmt.Errorf("switch %s: %w", in.Model, err)
	}
	if a.Champion != nil && a.Champion.Package.Digest == entry.Package.Digest {
		return a, false, nil
	}
	next := advance(a, entry)
	if failed := r.put(ctx, aliasKey(in.Model), next, etag); failed != nil {
		return r.settle(ctx, in, a.Revision, failed)
	}
	return next, true, nil
}

// settle finds out what became of a write that failed: made after all, lost to
// another writer, or not made. It compares what was read, not etags, which a
// gateway may show before the content they belong to.
func (r Registry) settle(ctx context.Context, in schemas.SwitchInput, before int, failed error) (now schemas.Aliases, changed bool, err error) {
	err = look(ctx, failed, func() (bool, error) {
		a, _, err := r.Aliases(ctx, in.Model)
		switch {
		case err != nil:
			return false, err
		case made(a, in.Token):
			now, changed = a, true
			return true, nil
		case a.Revision != before:
			return true, fmt.Errorf("switch %s: %w: revision %d, champion %s", in.Model, ErrConflict, a.Revision, champion(a))
		}
		return false, nil
	})
	return now, changed, err
}

// target is the entry that becomes champion.
func (r Registry) target(ctx context.Context, a schemas.Aliases, in schemas.SwitchInput) (schemas.AliasEntry, error) {
	entry := schemas.AliasEntry{Package: in.Package, Since: in.At.UTC(), Actor: in.Actor, Reason: in.Reason, Evidence: in.Evidence, Token: in.Token}
	if in.Rollback {
		earlier, err := before(a, in.Digest)
		entry.Package = earlier.Package
		return entry, err
	}
	known, err := r.registered(ctx, in.Package)
	if err == nil && !known {
		err = fmt.Errorf("%w: %s@%d %s is not registered", ErrUnknownDigest, in.Package.Model, in.Package.Version, in.Package.Digest)
	}
	return entry, err
}

// before finds the earlier champion to go back to.
func before(a schemas.Aliases, digest string) (schemas.AliasEntry, error) {
	for _, e := range a.History {
		present := a.Champion != nil && e.Package.Digest == a.Champion.Package.Digest
		if digest == "" && !present || digest != "" && e.Package.Digest == digest {
			return e, nil
		}
	}
	if digest != "" {
		return schemas.AliasEntry{}, fmt.Errorf("%w: %s was champion at none of the last %d switches", ErrUnknownDigest, digest, len(a.History))
	}
	return schemas.AliasEntry{}, ErrNothingBefore
}

// advance is the aliases with a new champion. It leaves a as it is.
func advance(a schemas.Aliases, entry schemas.AliasEntry) schemas.Aliases {
	next := schemas.Aliases{Model: a.Model, Revision: a.Revision + 1, Champion: &entry, Challenger: a.Challenger, History: []schemas.AliasEntry{}}
	if a.Challenger != nil && a.Challenger.Package.Digest == entry.Package.Digest {
		next.Challenger = nil
	}
	if a.Champion != nil {
		next.History = append(next.History, *a.Champion)
	}
	next.History = append(next.History, a.History...)
	next.History = next.History[:min(len(next.History), MaxHistory)]
	return next
}

// Challenge sets the alias challenger, or clears it where the mode is empty. It
// takes the same care as Switch. A challenger that is there already is only
// replaced under the same digest: ErrConflict names it. Clearing what is not
// there, or another package, changes nothing.
func (r Registry) Challenge(ctx context.Context, in schemas.ChallengeInput) (schemas.Aliases, error) {
	if err := checkChallenge(in); err != nil {
		return schemas.Aliases{}, err
	}
	a, etag, err := r.Aliases(ctx, in.Model)
	if err != nil || challenged(a, in) {
		return a, err
	}
	if held := a.Challenger; held != nil && in.Mode != "" && held.Package.Digest != in.Package.Digest {
		return a, fmt.Errorf("challenge %s: %w: %s@%d is in %s since %s: reject it first", in.Model, ErrConflict,
			in.Model, held.Package.Version, held.Mode, held.Since.Format(time.RFC3339))
	}
	if in.Mode != "" {
		if known, err := r.registered(ctx, in.Package); err != nil || !known {
			return a, errors.Join(err, fmt.Errorf("challenge %s: %w: %s@%d %s is not registered", in.Model, ErrUnknownDigest, in.Model, in.Package.Version, in.Package.Digest))
		}
	}
	next := a
	next.Revision++
	next.Challenger = challenger(in)
	if failed := r.put(ctx, aliasKey(in.Model), next, etag); failed != nil {
		return r.settleChallenge(ctx, in, a.Revision, failed)
	}
	return next, nil
}

// settleChallenge is settle for the alias challenger.
func (r Registry) settleChallenge(ctx context.Context, in schemas.ChallengeInput, before int, failed error) (now schemas.Aliases, err error) {
	err = look(ctx, failed, func() (bool, error) {
		var err error
		now, _, err = r.Aliases(ctx, in.Model)
		switch {
		case err != nil:
			return false, err
		case now.Revision == before:
			return false, nil
		case challenged(now, in):
			return true, nil
		}
		return true, fmt.Errorf("challenge %s: %w: revision %d", in.Model, ErrConflict, now.Revision)
	})
	return now, err
}

func challenger(in schemas.ChallengeInput) *schemas.ChallengerEntry {
	if in.Mode == "" {
		return nil
	}
	return &schemas.ChallengerEntry{AliasEntry: schemas.AliasEntry{Package: in.Package, Since: in.At.UTC(), Actor: in.Actor, Reason: in.Reason,
		Evidence: in.Evidence, Token: in.Token}, Mode: in.Mode, Share: in.Share}
}

// challenged says whether the aliases are already what a request wants.
func challenged(a schemas.Aliases, in schemas.ChallengeInput) bool {
	if in.Mode == "" {
		return a.Challenger == nil || a.Challenger.Package.Digest != in.Package.Digest
	}
	return a.Challenger != nil && a.Challenger.Token == in.Token
}

func checkChallenge(in schemas.ChallengeInput) error {
	if err := check(schemas.SwitchInput{Model: in.Model, Package: in.Package, Actor: in.Actor, Reason: in.Reason, At: in.At, Token: in.Token}); err != nil {
		return err
	}
	switch {
	case in.Mode != "" && in.Mode != schemas.ModeShadow && in.Mode != schemas.ModeCanary:
		return fmt.Errorf("%w: mode %q: want %s or %s", ErrInvalid, in.Mode, schemas.ModeShadow, schemas.ModeCanary)
	case in.Mode == schemas.ModeCanary && !(in.Share > 0 && in.Share <= 1):
		return fmt.Errorf("%w: share %v of a canary: want more than 0 and at most 1", ErrInvalid, in.Share)
	}
	return nil
}

// made says whether the switch with this token is in the aliases.
func made(a schemas.Aliases, token string) bool {
	return a.Champion != nil && a.Champion.Token == token ||
		slices.ContainsFunc(a.History, func(e schemas.AliasEntry) bool { return e.Token == token })
}

func champion(a schemas.Aliases) string {
	if a.Champion == nil {
		return "none"
	}
	return fmt.Sprintf("%s@%d since %s by %s", a.Model, a.Champion.Package.Version, a.Champion.Since.Format(time.RFC3339), a.Champion.Actor)
}

// LiveAt answers the champion at a moment of domain time; false before the
// first one, and before the oldest that the history keeps. A champion is live
// from its Since on.
func LiveAt(a schemas.Aliases, t time.Time) (schemas.AliasEntry, bool) {
	if a.Champion != nil && !a.Champion.Since.After(t) {
		return *a.Champion, true
	}
	for _, e := range a.History {
		if !e.Since.After(t) {
			return e, true
		}
	}
	return schemas.AliasEntry{}, false
}

// check says which field is missing, everything together.
func check(in schemas.SwitchInput) error {
	errs := []error{checkModel(in.Model)}
	for _, field := range []struct{ name, value string }{{"token", in.Token}, {"actor", in.Actor}, {"reason", in.Reason}} {
		if field.value == "" {
			errs = append(errs, fmt.Errorf("%w: %s is not set", ErrInvalid, field.name))
		}
	}
	if in.At.IsZero() {
		errs = append(errs, fmt.Errorf("%w: at is not set, give the domain time of the switch", ErrInvalid))
	}
	if !in.Rollback {
		errs = append(errs, checkPackage(in.Model, in.Package))
	}
	return errors.Join(errs...)
}
