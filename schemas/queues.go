package schemas

// Queue is a Temporal task queue; each has its own worker pool.
type Queue string

// The pools. See package workers for slots and reasons.
const (
	QueueControl Queue = "control" // workflows and light steps
	QueueCollect Queue = "collect"
	QueuePrepare Queue = "prepare"
	QueueTrain   Queue = "train" // training and evaluation
	QueueRelease Queue = "release"
	QueueScore   Queue = "score" // batch scoring and monitoring
)

// Queues lists every pool in the order in which they start.
func Queues() []Queue {
	return []Queue{QueueControl, QueueCollect, QueuePrepare, QueueTrain, QueueRelease, QueueScore}
}

// ServeQueue is the queue of one API instance, which is asked there to load a
// digest.
func ServeQueue(instance string) Queue { return Queue("serve-" + instance) }
