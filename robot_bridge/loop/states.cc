#include "robot_bridge/loop/states.h"

namespace estuary::bridge {
namespace {

using enum State;
using enum Event;

constexpr Edge kEdges[] = {
    {kDisarmed, kArm, kArmed},
    {kDisarmed, kEmergencyStop, kEstop},

    {kArmed, kDisarm, kDisarmed},
    {kArmed, kEmergencyStop, kEstop},
    {kArmed, kChoosePolicy, kPolicy},
    {kArmed, kChooseOperator, kOperator},
    {kArmed, kChooseFallback, kFallback},
    {kArmed, kObservationsLost, kEstop},
    {kArmed, kLinkReplaced, kDisarmed},
    {kArmed, kEnvelopeOff, kEstop},

    {kPolicy, kDisarm, kDisarmed},
    {kPolicy, kEmergencyStop, kEstop},
    {kPolicy, kChooseOperator, kOperator},
    {kPolicy, kChooseFallback, kFallback},
    {kPolicy, kObservationInvalid, kFallback},
    {kPolicy, kObservationStale, kFallback},
    {kPolicy, kObservationsLost, kEstop},
    {kPolicy, kLinkReplaced, kDisarmed},
    {kPolicy, kEnvelopeFallback, kFallback},
    {kPolicy, kEnvelopeOff, kEstop},
    {kPolicy, kPolicyInvalid, kFallback},

    {kOperator, kDisarm, kDisarmed},
    {kOperator, kEmergencyStop, kEstop},
    {kOperator, kChoosePolicy, kPolicy},
    {kOperator, kChooseFallback, kFallback},
    {kOperator, kObservationInvalid, kFallback},
    {kOperator, kObservationStale, kFallback},
    {kOperator, kObservationsLost, kEstop},
    {kOperator, kLinkReplaced, kDisarmed},
    {kOperator, kEnvelopeFallback, kFallback},
    {kOperator, kEnvelopeOff, kEstop},
    {kOperator, kOperatorSilent, kFallback},

    {kFallback, kDisarm, kDisarmed},
    {kFallback, kEmergencyStop, kEstop},
    {kFallback, kChoosePolicy, kPolicy},
    {kFallback, kChooseOperator, kOperator},
    {kFallback, kObservationsLost, kEstop},
    {kFallback, kLinkReplaced, kDisarmed},
    {kFallback, kEnvelopeOff, kEstop},
    {kFallback, kPolicyRecovered, kPolicy},
    {kFallback, kOperatorRecovered, kOperator},

    {kEstop, kArm, kArmed},
};

}  // namespace

std::optional<Edge> FindEdge(State state, Event event) {
  for (const Edge& edge : kEdges) {
    if (edge.from == state && edge.event == event) return edge;
  }
  return std::nullopt;
}

const char* Name(State state) {
  switch (state) {
    case kDisarmed:
      return "DISARMED";
    case kArmed:
      return "ARMED";
    case kPolicy:
      return "POLICY";
    case kOperator:
      return "OPERATOR";
    case kFallback:
      return "FALLBACK";
    case kEstop:
      return "ESTOP";
  }
  return "?";
}

const char* Code(Event event) {
  switch (event) {
    case kArm:
      return "arm";
    case kDisarm:
      return "disarm";
    case kEmergencyStop:
      return "emergency_stop";
    case kChoosePolicy:
      return "choose_policy";
    case kChooseOperator:
      return "choose_operator";
    case kChooseFallback:
      return "choose_fallback";
    case kObservationInvalid:
      return "observation_invalid";
    case kObservationStale:
      return "observation_stale";
    case kObservationsLost:
      return "observations_lost";
    case kLinkReplaced:
      return "link_replaced";
    case kEnvelopeFallback:
      return "envelope_fallback";
    case kEnvelopeOff:
      return "envelope_off";
    case kPolicyInvalid:
      return "policy_invalid";
    case kOperatorSilent:
      return "operator_silent";
    case kPolicyRecovered:
      return "policy_recovered";
    case kOperatorRecovered:
      return "operator_recovered";
  }
  return "?";
}

const char* Words(Event event) {
  switch (event) {
    case kArm:
      return "an operator armed it";
    case kDisarm:
      return "an operator disarmed it";
    case kEmergencyStop:
      return "an operator stopped it";
    case kChoosePolicy:
      return "an operator chose the policy";
    case kChooseOperator:
      return "an operator took over";
    case kChooseFallback:
      return "an operator chose the fallback controller";
    case kObservationInvalid:
      return "an observation was not finite or not of the task's size";
    case kObservationStale:
      return "observations came late";
    case kObservationsLost:
      return "no usable observation came for too long";
    case kLinkReplaced:
      return "the robot connected anew";
    case kEnvelopeFallback:
      return "the robot came near the edge of its envelope";
    case kEnvelopeOff:
      return "the robot left its envelope";
    case kPolicyInvalid:
      return "there is no policy, or its action was not finite";
    case kOperatorSilent:
      return "the operator's commands stopped";
    case kPolicyRecovered:
      return "the fault is over, the policy acts again";
    case kOperatorRecovered:
      return "the fault is over, the operator acts again";
  }
  return "?";
}

}  // namespace estuary::bridge
