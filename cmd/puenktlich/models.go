package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"puenktlich/internal/config"
	"puenktlich/internal/registry"
	"puenktlich/schemas"
)

// modelsCommand is what an operator does with models, besides the Temporal UI.
func modelsCommand(p program) *cobra.Command {
	cmd := &cobra.Command{Use: "models", Short: "versions, what is live, promotion, approval, rollback"}
	cmd.AddCommand(modelsListCommand(p), modelsLiveCommand(p), modelsPromoteCommand(p),
		opinionCommand(p, schemas.UpdateApprove, "let the challenger become champion once its gates hold"),
		opinionCommand(p, schemas.UpdateReject, "end the challenger's rollout"), rollbackCommand(p))
	return cmd
}

// acting are the flags of a command that changes something.
type acting struct{ model, digest, reason, actor string }

func (in *acting) add(cmd *cobra.Command, digest string) {
	cmd.Flags().StringVar(&in.model, "model", schemas.DefaultModel, "name of the model")
	cmd.Flags().StringVar(&in.digest, "digest", "", digest)
	cmd.Flags().StringVar(&in.reason, "reason", "", "why; the audit keeps it")
	cmd.Flags().StringVar(&in.actor, "actor", os.Getenv("USER"), "who, while there are no API keys; else the key of "+config.Prefix+"ACCESS_KEY says it")
}

// connected runs a command against the servers of this directory's stack or of
// the environment.
func (p program) connected(do func(ctx context.Context, a *adapters) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		a, err := p.alone(cmd.Context())
		if err != nil {
			return err
		}
		defer a.close()
		return do(cmd.Context(), a)
	}
}

func modelsListCommand(p program) *cobra.Command {
	var in acting
	cmd := &cobra.Command{Use: "list", Short: "list the versions, oldest first, and which are champion and challenger", Args: cobra.NoArgs,
		RunE: p.connected(func(ctx context.Context, a *adapters) error {
			versions, err := a.registry.Versions(ctx, in.model)
			if err != nil {
				return err
			}
			aliases, _, err := a.registry.Aliases(ctx, in.model)
			if err != nil {
				return err
			}
			for _, v := range versions {
				fmt.Fprintf(p.out, "%s@%-4d %s  %s  %s\n", v.Model, v.Version, v.Created.Format("2006-01-02 15:04"), v.Digest, aliasOf(aliases, v.Digest))
			}
			if len(versions) == 0 {
				fmt.Fprintf(p.out, "%s has no version yet: start RunLifecycle\n", in.model)
			}
			return nil
		})}
	cmd.Flags().StringVar(&in.model, "model", schemas.DefaultModel, "name of the model")
	return cmd
}

func aliasOf(a schemas.Aliases, digest string) string {
	switch {
	case a.Champion != nil && a.Champion.Package.Digest == digest:
		return "champion"
	case a.Challenger != nil && a.Challenger.Package.Digest == digest:
		return "challenger in " + string(a.Challenger.Mode)
	}
	return ""
}

func modelsLiveCommand(p program) *cobra.Command {
	var in acting
	var moment string
	cmd := &cobra.Command{Use: "live", Short: "what was live at a moment, by whom and why", Args: cobra.NoArgs,
		RunE: p.connected(func(ctx context.Context, a *adapters) error {
			at, err := parseMoment(moment, a.clock.Now())
			if err != nil {
				return err
			}
			aliases, _, err := a.registry.Aliases(ctx, in.model)
			if err != nil {
				return err
			}
			entry, found := registry.LiveAt(aliases, at)
			if !found {
				fmt.Fprintf(p.out, "no version of %s is known to have been live at %s\n", in.model, at.Format(time.RFC3339))
				return nil
			}
			fmt.Fprintf(p.out, "%s@%d since %s, by %s: %s\nmanifest %s\n", in.model, entry.Package.Version, entry.Since.Format(time.RFC3339), entry.Actor, entry.Reason, entry.Package.Digest)
			return nil
		})}
	cmd.Flags().StringVar(&in.model, "model", schemas.DefaultModel, "name of the model")
	cmd.Flags().StringVar(&moment, "at", "", "RFC 3339 or YYYY-MM-DDTHH:MM in German local time; defaults to now")
	return cmd
}

func modelsPromoteCommand(p program) *cobra.Command {
	var in acting
	var version int
	var now bool
	cmd := &cobra.Command{Use: "promote", Short: "roll a version out, and say what became of it", Args: cobra.NoArgs,
		Long: "Through shadow, canary and approval as configured; the command may be interrupted, the rollout goes on in the workflow.",
		RunE: p.connected(func(ctx context.Context, a *adapters) error {
			if in.reason == "" {
				return fmt.Errorf("--reason is required: the audit keeps it")
			}
			actor, err := a.actor(ctx, in.actor)
			if err != nil {
				return err
			}
			request := schemas.PromoteInput{Actor: actor, Reason: in.reason}
			if now {
				request.Rollout = &schemas.Rollout{}
			}
			found, err := a.findVersion(ctx, in.model, version, in.digest)
			if err != nil {
				return err
			}
			request.Package = found
			fmt.Fprintf(p.out, "%s rolls out %s@%d\n", schemas.PromoteID(in.model), in.model, found.Version)
			result, err := execute[schemas.PromoteResult](ctx, a, schemas.PromoteID(in.model), schemas.WorkflowPromoteModel, request)
			if err != nil {
				return err
			}
			fmt.Fprintf(p.out, "%s@%d is %s: %s\n", in.model, result.Package.Version, result.Outcome, result.Reason)
			return nil
		})}
	in.add(cmd, "digest of the package; or give --version")
	cmd.Flags().IntVar(&version, "version", 0, "number of the version; defaults to the newest")
	cmd.Flags().BoolVar(&now, "now", false, "at once, without shadow, canary and approval")
	return cmd
}

// findVersion answers a registered version: by digest, by number, or the newest.
func (a *adapters) findVersion(ctx context.Context, model string, version int, digest string) (schemas.PackageRef, error) {
	versions, err := a.registry.Versions(ctx, model)
	if err != nil {
		return schemas.PackageRef{}, err
	}
	for i := len(versions) - 1; i >= 0; i-- {
		v := versions[i]
		if (version == 0 || v.Version == version) && (digest == "" || v.Digest == digest) {
			return v, nil
		}
	}
	return schemas.PackageRef{}, fmt.Errorf("%w: version %d %s is not among the %d of %s: `puenktlich models list` shows them", errNoVersion, version, digest, len(versions), model)
}

var errNoVersion = errors.New("there is no such version")

func opinionCommand(p program, what, short string) *cobra.Command {
	var in acting
	cmd := &cobra.Command{Use: what, Short: short, Args: cobra.NoArgs,
		RunE: p.connected(func(ctx context.Context, a *adapters) error {
			actor, err := a.actor(ctx, in.actor)
			if err != nil {
				return err
			}
			said, err := promoter{a.temporal}.opine(ctx, "", in.model, what, schemas.OpinionRequest{Digest: in.digest, Actor: actor, Reason: in.reason})
			if err != nil {
				return err
			}
			fmt.Fprintln(p.out, said)
			return nil
		})}
	in.add(cmd, "digest of the challenger that is meant; another one is refused")
	return cmd
}

func rollbackCommand(p program) *cobra.Command {
	var in acting
	cmd := &cobra.Command{Use: "rollback", Short: "bring back an earlier champion", Args: cobra.NoArgs,
		RunE: p.connected(func(ctx context.Context, a *adapters) error {
			actor, err := a.actor(ctx, in.actor)
			if err != nil {
				return err
			}
			result, err := promoter{a.temporal}.Rollback(ctx, "", in.model, schemas.RollbackRequest{Digest: in.digest, Reason: in.reason, Actor: actor})
			if err != nil {
				return err
			}
			fmt.Fprintf(p.out, "champion is %s@%d (%s): %s; not confirmed by: %v\n", in.model, result.Champion.Package.Version, result.Champion.Package.Digest, result.Note, result.Unconfirmed)
			return nil
		})}
	in.add(cmd, "digest of the champion to bring back; defaults to the one before")
	return cmd
}
