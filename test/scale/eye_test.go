//go:build scale

package scale

import (
	"fmt"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/tools/cache"
	ctrlcache "sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

// eye sees what has become of the bots, their Deployments and their pods.
type eye struct {
	*stage

	mu          sync.Mutex
	bots        map[string]*v1alpha1.ArgusBot
	deployments map[string]bool
}

// watch opens an eye. The crowd is told of every pod of a bot.
func (s *stage) watch(c *crowd) *eye {
	s.Helper()
	e := &eye{stage: s, bots: map[string]*v1alpha1.ArgusBot{}, deployments: map[string]bool{}}
	watches, err := ctrlcache.New(s.config, ctrlcache.Options{
		Scheme: scheme, DefaultTransform: ctrlcache.TransformStripManagedFields(),
		DefaultNamespaces: map[string]ctrlcache.Config{namespace: {}},
	})
	s.must(err)
	s.background(watches.Start)
	for object, see := range map[client.Object]func(any, bool){
		&v1alpha1.ArgusBot{}: e.seesBot,
		&appsv1.Deployment{}: e.seesDeployment,
		&corev1.Pod{}: func(object any, gone bool) {
			if pod, ok := object.(*corev1.Pod); ok && pod.Labels[v1alpha1.LabelBot] != "" {
				c.sees(pod, gone)
			}
		},
	} {
		informer, err := watches.GetInformer(s.ctx, object)
		s.must(err)
		_, err = informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc:    func(object any) { see(object, false) },
			UpdateFunc: func(_, object any) { see(object, false) },
			DeleteFunc: func(object any) { see(object, true) },
		})
		s.must(err)
	}
	return e
}

func (e *eye) seesBot(object any, gone bool) {
	bot, ok := object.(*v1alpha1.ArgusBot)
	if !ok || gone {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.bots[bot.Name] = bot
}

func (e *eye) seesDeployment(object any, gone bool) {
	deployment, ok := object.(*appsv1.Deployment)
	if !ok || deployment.Labels[v1alpha1.LabelBot] == "" {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.deployments[deployment.Name] = !gone && deployment.Status.ObservedGeneration >= deployment.Generation &&
		deployment.Status.AvailableReplicas == 1
}

// available waits until so many Deployments are.
func (e *eye) available(patience time.Duration, count int) {
	e.Helper()
	e.eventually(patience, func() string {
		e.mu.Lock()
		defer e.mu.Unlock()
		seen := 0
		for _, available := range e.deployments {
			if available {
				seen++
			}
		}
		if seen < count {
			return fmt.Sprintf("%d of %d Deployments are available", seen, count)
		}
		return ""
	})
}

// all waits until every one of so many bots is as want has it, which says what is wrong with
// one. Each state of a bot is judged once: looking again and again at a thousand would take
// a part of the processor that the plain client's round does not spend.
func (e *eye) all(patience time.Duration, count int, want func(*v1alpha1.ArgusBot) string) {
	e.Helper()
	judged := map[*v1alpha1.ArgusBot]string{}
	e.eventually(patience, func() string {
		e.mu.Lock()
		defer e.mu.Unlock()
		seen, problem := 0, ""
		for name, bot := range e.bots {
			wrong, known := judged[bot]
			if !known {
				wrong = want(bot)
				judged[bot] = wrong
			}
			if wrong != "" {
				problem = name + ": " + wrong
			} else {
				seen++
			}
		}
		if seen < count {
			return fmt.Sprintf("%d of %d bots are right; %s", seen, count, problem)
		}
		return ""
	})
}

// ready says what keeps a bot from being Ready.
func ready(bot *v1alpha1.ArgusBot) string {
	condition := meta.FindStatusCondition(bot.Status.Conditions, v1alpha1.ConditionReady)
	if condition == nil || condition.Status != "True" || condition.ObservedGeneration != bot.Generation {
		return fmt.Sprintf("Ready is %+v", condition)
	}
	return ""
}

// complete says what is not true, or not yet, in the status of a bot whose clusters all run.
func complete(bot *v1alpha1.ArgusBot, guilds int64) string {
	if wrong := ready(bot); wrong != "" {
		return wrong
	}
	for _, kind := range []string{v1alpha1.ConditionFleetJoined, v1alpha1.ConditionRolloutComplete, v1alpha1.ConditionIdentifyBudget} {
		if !meta.IsStatusConditionTrue(bot.Status.Conditions, kind) {
			return fmt.Sprintf("%s is %+v", kind, meta.FindStatusCondition(bot.Status.Conditions, kind))
		}
	}
	if wrong := counts(&bot.Status, guilds); wrong != "" {
		return wrong
	}
	for i := range bot.Status.ClusterStatuses {
		if one := &bot.Status.ClusterStatuses[i]; one.Number == 0 || one.Up == nil || !*one.Up || !one.Ready {
			return fmt.Sprintf("cluster %+v", one)
		}
	}
	return ""
}

// counts says which number of a status is not what it has to be.
func counts(status *v1alpha1.ArgusBotStatus, guilds int64) string {
	switch {
	case status.Display == nil || status.Display.Clusters != "3/3" || status.Display.Shards != "12/12":
		return fmt.Sprintf("display is %+v", status.Display)
	case status.Guilds == nil || *status.Guilds < guilds*99/100 || *status.Guilds > guilds*101/100:
		return fmt.Sprintf("%v guilds, want about %d", status.Guilds, guilds)
	case status.Identify == nil || status.Identify.Used24h != perBot:
		return fmt.Sprintf("identifies are %+v, want %d", status.Identify, perBot)
	}
	return ""
}
