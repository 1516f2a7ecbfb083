package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"puenktlich/activities/release"
	"puenktlich/activities/serve"
	"puenktlich/schemas"
)

// listenChallenger registers the updates about the challenger.
func (m *model) listenChallenger(ctx workflow.Context) error {
	err := workflow.SetUpdateHandlerWithOptions(ctx, schemas.UpdateChallenge, m.challenge,
		workflow.UpdateHandlerOptions{Validator: validateChallenge(m.name), Description: "put a package beside the champion; PromoteModel sends it"})
	if err != nil {
		return err
	}
	err = workflow.SetUpdateHandlerWithOptions(ctx, schemas.UpdateApprove, m.opinion(true),
		workflow.UpdateHandlerOptions{Validator: m.validateOpinion(schemas.UpdateApprove), Description: "let the challenger become champion once its gates hold"})
	if err != nil {
		return err
	}
	return workflow.SetUpdateHandlerWithOptions(ctx, schemas.UpdateReject, m.opinion(false),
		workflow.UpdateHandlerOptions{Validator: m.validateOpinion(schemas.UpdateReject), Description: "end the challenger's rollout"})
}

func validateChallenge(name string) func(workflow.Context, schemas.ChallengeRequest) error {
	return func(_ workflow.Context, r schemas.ChallengeRequest) error {
		switch {
		case r.Package.Model != name:
			return fmt.Errorf("challenge: the package is of model %q, this is %q: start PromoteModel, which fills it in", r.Package.Model, name)
		case r.Reason == "":
			return fmt.Errorf("challenge: reason is required: the audit keeps it")
		}
		return nil
	}
}

// validateOpinion refuses what could be about another package than the person
// thinks, or about none.
func (m *model) validateOpinion(what string) func(workflow.Context, schemas.OpinionRequest) error {
	return func(_ workflow.Context, r schemas.OpinionRequest) error {
		switch {
		case m.challenger == nil || m.rollout == "":
			return fmt.Errorf("%s: no challenger of %s is being tried", what, m.name)
		case r.Digest != "" && r.Digest != m.challenger.Package.Digest:
			return fmt.Errorf("%s: the challenger is %s (%s), not %s", what, versionName(m.challenger.Package), m.challenger.Package.Digest, r.Digest)
		case r.Reason == "":
			return fmt.Errorf("%s: reason is required: the audit keeps it", what)
		}
		return nil
	}
}

// challenge writes the alias challenger, and lets the instances follow it.
func (m *model) challenge(ctx workflow.Context, r schemas.ChallengeRequest) (schemas.Aliases, error) {
	aliases, err := m.setChallenger(ctx, r)
	if err == nil {
		m.spread(ctx) // holds no lock: an instance that does not answer keeps no rollback waiting
	}
	return aliases, err
}

func (m *model) setChallenger(ctx workflow.Context, r schemas.ChallengeRequest) (schemas.Aliases, error) {
	var aliases schemas.Aliases
	if err := m.busy.Lock(ctx); err != nil {
		return aliases, err
	}
	defer m.busy.Unlock()
	r.Actor = actor(r.Actor)
	summary := fmt.Sprintf("challenger := %s in %s", versionName(r.Package), r.Mode)
	if r.Mode == "" {
		summary = "no challenger"
	}
	var steps *release.Activities
	err := workflow.ExecuteActivity(with(ctx, light(schemas.QueueRelease, summary)), steps.SetChallenger,
		schemas.ChallengeInput{Model: m.name, ChallengeRequest: r, Token: workflow.GetCurrentUpdateInfo(ctx).ID}).Get(ctx, &aliases)
	if err != nil {
		return aliases, readable(err)
	}
	m.challenger, m.rollout, m.plan, m.served = aliases.Challenger, "", nil, nil
	if m.challenger != nil {
		m.rollout, m.plan = r.Rollout, r.Plan
		show(ctx, challengerCard(*m.challenger, m.rollout))
	}
	return aliases, nil
}

// spreadWithin is how long an instance has to follow a change of the challenger. It looks
// by itself later, so nothing is asked twice.
const spreadWithin = 10 * time.Second

// spreadChange: before it instances found a change of the challenger by themselves alone.
const spreadChange = "spread-challenger"

// spread asks every leased instance to follow the challenger now: a canary that was
// withdrawn is not to answer anybody until an instance looks by itself.
func (m *model) spread(ctx workflow.Context) {
	if len(m.leases) == 0 || workflow.GetVersion(ctx, spreadChange, workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return
	}
	var steps *serve.Activities
	var asked []string
	var answers []workflow.Future
	for _, lease := range m.leased(ctx) {
		options := workflow.ActivityOptions{TaskQueue: string(schemas.ServeQueue(lease.Instance)), ScheduleToCloseTimeout: spreadWithin,
			Summary: lease.Instance + " follows the challenger", RetryPolicy: &temporal.RetryPolicy{MaximumAttempts: 1}}
		asked = append(asked, lease.Instance)
		answers = append(answers, workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, options), steps.FollowAliases))
	}
	for i, answer := range answers {
		if err := answer.Get(ctx, nil); err != nil {
			workflow.GetLogger(ctx).Warn("an instance does not follow the challenger yet", "instance", asked[i], "error", err)
		}
	}
}

// opinion hands an approval or rejection to the rollout. It answers whose
// opinion about which version was taken.
func (m *model) opinion(approved bool) func(workflow.Context, schemas.OpinionRequest) (string, error) {
	return func(ctx workflow.Context, r schemas.OpinionRequest) (string, error) {
		given := schemas.Opinion{Approved: approved, Actor: actor(r.Actor), Reason: r.Reason}
		name, rollout := versionName(m.challenger.Package), m.rollout
		if err := workflow.SignalExternalWorkflow(ctx, rollout, "", schemas.SignalOpinion, given).Get(ctx, nil); err != nil {
			return "", fmt.Errorf("the rollout %s of %s does not run any more: start PromoteModel again", rollout, name)
		}
		return fmt.Sprintf("%s takes the opinion of %s about %s", rollout, given.Actor, name), nil
	}
}

// tellWatch says to the rollout under way that a person brought another champion back:
// the one it may be watching is not it any more. Policy acts through the rollout itself.
func (m *model) tellWatch(ctx workflow.Context, in schemas.SwitchInput, champion schemas.AliasEntry) {
	if !in.Rollback || in.Actor == actorPolicy || m.rollout == "" || workflow.GetVersion(ctx, takenBackChange, workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return
	}
	given := schemas.Opinion{Actor: in.Actor, Reason: in.Reason, Evidence: in.Evidence, Champion: &champion.Package}
	if err := workflow.SignalExternalWorkflow(ctx, m.rollout, "", schemas.SignalOpinion, given).Get(ctx, nil); err != nil {
		workflow.GetLogger(ctx).Warn("the rollout does not hear of the rollback", "rollout", m.rollout, "error", err)
	}
}

// forwardTicks hands every tick to the rollout under way.
func (m *model) forwardTicks(ctx workflow.Context) {
	ticks := workflow.GetSignalChannel(ctx, schemas.SignalTick)
	workflow.Go(ctx, func(ctx workflow.Context) {
		for {
			var tick schemas.Tick
			ticks.Receive(ctx, &tick)
			if m.rollout == "" {
				continue
			}
			tick.Service = m.served
			if err := workflow.SignalExternalWorkflow(ctx, m.rollout, "", schemas.SignalTick, tick).Get(ctx, nil); err != nil {
				workflow.GetLogger(ctx).Warn("the rollout does not take the tick", "rollout", m.rollout, "error", err)
			}
		}
	})
}

func challengerCard(c schemas.ChallengerEntry, rollout string) string {
	share := ""
	if c.Mode == schemas.ModeCanary {
		share = fmt.Sprintf(", answers %.0f %% of the trips", 100*c.Share)
	}
	return fmt.Sprintf("### Challenger %s in %s%s\nby %s: %s\n\nmanifest `%s`\n\ntried by `%s`", versionName(c.Package), c.Mode, share, c.Actor, c.Reason, c.Package.Digest, rollout)
}

// tick tells the workflow of a model that truth may have settled. A model
// without a workflow has no challenger either.
func tick(ctx workflow.Context, name string, t schemas.Tick) {
	if err := workflow.SignalExternalWorkflow(ctx, schemas.ModelID(name), "", schemas.SignalTick, t).Get(ctx, nil); err != nil {
		workflow.GetLogger(ctx).Info("no workflow of the model takes the tick", "model", name, "error", err)
	}
}
