package gitops

// Moment is an object at some time of its life, dumped from a cluster into testdata,
// and what Argo CD is to make of it.
type Moment struct {
	// Sentence says what is the matter.
	Sentence string
	// Status and Message (a part of it) are the health that follows.
	Status, Message string
	// ByHand marks what a whole cluster cannot be brought to: those dumps were written.
	// All others are by test/upgrade, which meets each of them again.
	ByHand bool
}

// Moments are the dumps by name. The first word is the kind.
func Moments() map[string]Moment {
	return map[string]Moment{
		"fleet-new":       {Sentence: "an object that was just made is on its way", Status: "Progressing", Message: "has not looked at this yet"},
		"fleet-starting":  {Sentence: "a control plane whose pod starts is on its way", Status: "Progressing", Message: "Progressing"},
		"fleet-available": {Sentence: "a control plane that runs is healthy", Status: "Healthy", Message: "is running"},
		"fleet-locked":    {Sentence: "a control plane that met a locked state waits for a person", Status: "Degraded", Message: "StateLocked", ByHand: true},
		"fleet-suspended": {Sentence: "one that is suspended and runs is suspended", Status: "Suspended", Message: "is running"},
		"bot-available":   {Sentence: "a bot that runs is healthy", Status: "Healthy", Message: "Available"},
		"bot-retrying":    {Sentence: "a bot that the operator could not read about stays healthy", Status: "Healthy", Message: "Available", ByHand: true},
		"bot-starting":    {Sentence: "a bot whose clusters start one by one is on its way", Status: "Progressing", Message: "Progressing"},
		"bot-trouble":     {Sentence: "a bot whose image cannot be pulled is on its way, and why", Status: "Progressing", Message: "ImagePullBackOff"},
		"bot-secret":      {Sentence: "a bot whose token is missing is on its way, and says so", Status: "Progressing", Message: "SecretMissing"},
		"bot-conflict":    {Sentence: "a bot whose name is taken waits for a person", Status: "Degraded", Message: "NameConflict"},
		"bot-changed":     {Sentence: "a status of an older spec says nothing", Status: "Progressing", Message: "newest spec"},
		"bot-deleting":    {Sentence: "a bot that is being deleted is on its way", Status: "Progressing", Message: "deleted"},
		"bot-suspended":   {Sentence: "a bot that nobody works on is suspended whatever it says", Status: "Suspended", Message: "leaves everything"},
		"bot-frozen":      {Sentence: "a bot that is frozen on the way to a new spec is suspended", Status: "Suspended", Message: "not changed"},
		"bot-hibernated":  {Sentence: "a bot that hibernates is suspended", Status: "Suspended", Message: "Hibernated"},
	}
}
