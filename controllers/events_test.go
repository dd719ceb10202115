package controllers

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"

	"github.com/argus-dev/argus-operator/api/v1alpha1"
)

func TestEventsTellOfTransitions(t *testing.T) {
	both := func(status metav1.ConditionStatus, rollout, ready string) []metav1.Condition {
		return []metav1.Condition{
			{Type: v1alpha1.ConditionRolloutComplete, Status: status, Reason: rollout, Message: "it is complete or not"},
			{Type: v1alpha1.ConditionReady, Status: status, Reason: ready, Message: "it is so"},
		}
	}
	condition := func(kind string, status metav1.ConditionStatus, reason string) []metav1.Condition {
		return []metav1.Condition{{Type: kind, Status: status, Reason: reason, Message: "it is so"}}
	}
	for sentence, tc := range map[string]struct {
		before, after []metav1.Condition
		want          []string
	}{
		"the same": {
			condition(v1alpha1.ConditionReady, "True", v1alpha1.ReasonAvailable),
			condition(v1alpha1.ConditionReady, "True", v1alpha1.ReasonAvailable), nil,
		},
		"a transition to what is well": {
			condition(v1alpha1.ConditionReady, "False", v1alpha1.ReasonProgressing),
			condition(v1alpha1.ConditionReady, "True", v1alpha1.ReasonAvailable),
			[]string{"Normal Available Ready is True: it is so"},
		},
		"a transition to what is wrong": {
			condition(v1alpha1.ConditionReady, "True", v1alpha1.ReasonAvailable),
			condition(v1alpha1.ConditionReady, "False", v1alpha1.ReasonPodTrouble),
			[]string{"Warning PodTrouble Ready is False: it is so"},
		},
		"another reason": {
			condition(v1alpha1.ConditionReady, "False", v1alpha1.ReasonPodTrouble),
			condition(v1alpha1.ConditionReady, "False", v1alpha1.ReasonProgressing),
			[]string{"Normal Progressing Ready is False: it is so"},
		},
		"a repetition of what Ready says": {
			nil, condition(v1alpha1.ConditionStalled, "True", v1alpha1.ReasonPodTrouble), nil,
		},
		"the first word of an object that is on its way": {
			nil, condition(v1alpha1.ConditionReady, "False", v1alpha1.ReasonProgressing), nil,
		},
		"a rollout that ends with what makes it ready": {
			both("False", v1alpha1.ReasonProgressing, v1alpha1.ReasonProgressing), both("True", v1alpha1.ReasonComplete, v1alpha1.ReasonAvailable),
			[]string{"Normal Available Ready is True: it is so"},
		},
		"clusters that arrive with what makes it ready": {
			append(condition(v1alpha1.ConditionFleetJoined, "False", v1alpha1.ReasonWaiting), both("False", "", v1alpha1.ReasonProgressing)[1]),
			append(condition(v1alpha1.ConditionFleetJoined, "True", v1alpha1.ReasonJoined), both("True", "", v1alpha1.ReasonAvailable)[1]),
			[]string{"Normal Available Ready is True: it is so"},
		},
		"clusters that arrive after it": {
			append(condition(v1alpha1.ConditionFleetJoined, "False", v1alpha1.ReasonWaiting), both("True", "", v1alpha1.ReasonAvailable)[1]),
			append(condition(v1alpha1.ConditionFleetJoined, "True", v1alpha1.ReasonJoined), both("True", "", v1alpha1.ReasonAvailable)[1]),
			[]string{"Normal Joined FleetJoined is True: it is so"},
		},
		"a control plane that is found again with what makes it ready": {
			append(condition(v1alpha1.ConditionFleetJoined, "Unknown", v1alpha1.ReasonUnreachable), both("False", "", v1alpha1.ReasonProgressing)[1]),
			append(condition(v1alpha1.ConditionFleetJoined, "True", v1alpha1.ReasonJoined), both("True", "", v1alpha1.ReasonAvailable)[1]),
			[]string{"Normal Joined FleetJoined is True: it is so", "Normal Available Ready is True: it is so"},
		},
		"a rollout that ends after it": {
			append(condition(v1alpha1.ConditionReady, "True", v1alpha1.ReasonAvailable), both("False", v1alpha1.ReasonProgressing, "")[0]),
			both("True", v1alpha1.ReasonComplete, v1alpha1.ReasonAvailable),
			[]string{"Normal Complete RolloutComplete is True: it is complete or not"},
		},
		"a rollout that fails": {
			both("False", v1alpha1.ReasonProgressing, v1alpha1.ReasonProgressing), both("False", v1alpha1.ReasonRolloutFailed, v1alpha1.ReasonRolloutFailed),
			[]string{"Warning RolloutFailed Ready is False: it is so"},
		},
		"a rollout for which a pod's trouble is none yet": {
			both("True", v1alpha1.ReasonComplete, v1alpha1.ReasonAvailable), both("False", v1alpha1.ReasonProgressing, v1alpha1.ReasonPodTrouble),
			[]string{"Normal Progressing RolloutComplete is False: it is complete or not", "Warning PodTrouble Ready is False: it is so"},
		},
		"an operator with a newer template": {
			both("False", v1alpha1.ReasonProgressing, v1alpha1.ReasonProgressing), both("True", v1alpha1.ReasonRolloutAvailable, v1alpha1.ReasonAvailable),
			[]string{"Normal RolloutAvailable RolloutComplete is True: it is complete or not", "Normal Available Ready is True: it is so"},
		},
		"the first word of something that is well": {
			nil, condition(v1alpha1.ConditionIdentifyBudget, "True", v1alpha1.ReasonWithinBudget), nil,
		},
		"the first word of an object that is ready": {
			nil, condition(v1alpha1.ConditionReady, "True", v1alpha1.ReasonAvailable), []string{"Normal Available Ready is True: it is so"},
		},
		"the first word of something wrong": {
			nil, condition(v1alpha1.ConditionReady, "False", v1alpha1.ReasonSecretMissing), []string{"Warning SecretMissing Ready is False: it is so"},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			recorder := events.NewFakeRecorder(10)
			recordTransitions(recorder, &v1alpha1.ArgusBot{}, tc.before, tc.after)
			close(recorder.Events)
			var got []string
			for event := range recorder.Events {
				got = append(got, event)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}
