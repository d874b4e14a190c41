/* The kernel of a branch decides; the executor goes. */
#include "kernels.h"
#include "steps_control.h"

enum plan_status run_branch(const struct execution *execution, const void *raw) {
    const struct branch_step *step = raw;
    const uint8_t *condition = plan_read(execution, step->condition, 1, 1);
    if (condition == NULL) {
        return PLAN_OUT_OF_BOUNDS;
    }
    return (*condition != 0) == (step->value != 0) ? PLAN_BRANCH_TAKEN : PLAN_OK;
}
