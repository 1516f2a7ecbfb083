package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"puenktlich/activities/release"
	"puenktlich/schemas"
)

// PackageModel writes the package of a trained and evaluated model, signs it,
// loads it as a server would, and stores it.
func PackageModel(ctx workflow.Context, in schemas.PackageInput) (schemas.PackageRef, error) {
	var steps *release.Activities
	var ref schemas.PackageRef
	if in.Trained.RunID == "" {
		return ref, refuse(schemas.FailureInvalidInput, "package: the input names no trained model: start RunLifecycle, or give trained and evaluate as TrainModel and EvaluateModel returned them")
	}
	tell(ctx, schemas.AttributeModel, in.Trained.Model)
	err := workflow.ExecuteActivity(with(ctx, heavy(schemas.QueueRelease, "build, sign, load, store")), steps.BuildPackage, in).Get(ctx, &ref)
	if err != nil {
		return ref, readable(err)
	}
	tell(ctx, schemas.AttributeVersion, versionName(ref))
	show(ctx, fmt.Sprintf("### %s\nmanifest `%s`\n\nstored under `%s`", versionName(ref), ref.Digest, ref.Prefix))
	return ref, nil
}

func versionName(p schemas.PackageRef) string { return fmt.Sprintf("%s@%d", p.Model, p.Version) }
