/* The step that says which comes next: calls of subgraphs, conditions and loops are made of it. */
#ifndef STEPS_CONTROL_H
#define STEPS_CONTROL_H

#include "plan_format.h"

struct branch_step {
    struct step_header header;
    uint32_t condition; /* one byte: 0 is false, all else is true */
    int32_t value;      /* goes to the target where the condition is this: 0 or 1 */
    uint32_t target_step;   /* its number, the number of steps for the end */
    uint32_t target_offset; /* where it is, in bytes from the first step */
};

#endif
