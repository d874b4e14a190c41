/* EQUAL, NOT_EQUAL, GREATER, GREATER_EQUAL, LESS, LESS_EQUAL, and SELECT_V2 by what they find. */
#include "geometry.h"
#include "kernels.h"
#include "steps_elementwise.h"

/* `order` is below, at or above zero as the first value is below, equal to or above the second. */
static bool holds(int32_t comparison, int32_t order) {
    switch (comparison) {
    case COMPARE_EQUAL:
        return order == 0;
    case COMPARE_NOT_EQUAL:
        return order != 0;
    case COMPARE_GREATER:
        return order > 0;
    case COMPARE_GREATER_EQUAL:
        return order >= 0;
    case COMPARE_LESS:
        return order < 0;
    default:
        return order <= 0;
    }
}

static bool floats_hold(int32_t comparison, float a, float b) {
    if (a != a || b != b) {
        return comparison == COMPARE_NOT_EQUAL; /* what is not a number has no order */
    }
    return holds(comparison, a < b ? -1 : a > b ? 1 : 0);
}

/* Offsets of the element that `index` (in the output's order) stands for, in both inputs. */
static void offsets_of(const struct plan_broadcast *broadcast, uint32_t index, int32_t *first, int32_t *second) {
    *first = 0;
    *second = 0;
    for (int axis = PLAN_RANK - 1; axis >= 0; axis--) {
        int32_t place = (int32_t)(index % (uint32_t)broadcast->shape[axis]);
        index /= (uint32_t)broadcast->shape[axis];
        *first += place * broadcast->stride1[axis];
        *second += place * broadcast->stride2[axis];
    }
}

static bool comparison_valid(const struct plan_broadcast *broadcast, int32_t comparison) {
    return broadcast_valid(broadcast) && comparison >= 0 && comparison < COMPARISON_END;
}

enum plan_status run_compare_int8(const struct execution *execution, const void *raw) {
    const struct compare_int8_step *step = raw;
    const struct plan_broadcast *broadcast = &step->broadcast;
    if (!comparison_valid(broadcast, step->comparison)) {
        return PLAN_BAD_GEOMETRY;
    }
    uint32_t elements = shape_elements(broadcast->shape, PLAN_RANK);
    const uint8_t *input1 = plan_read(execution, step->input1, broadcast->elements1, 1);
    const uint8_t *input2 = plan_read(execution, step->input2, broadcast->elements2, 1);
    const int16_t *table1 = plan_read(execution, step->table1, 256 * 2, 2);
    const int16_t *table2 = plan_read(execution, step->table2, 256 * 2, 2);
    uint8_t *output = plan_write(execution, step->output, elements, 1);
    if (input1 == NULL || input2 == NULL || table1 == NULL || table2 == NULL || output == NULL) {
        return PLAN_OUT_OF_BOUNDS;
    }
    for (uint32_t i = 0; i < elements; i++) {
        int32_t first;
        int32_t second;
        offsets_of(broadcast, i, &first, &second);
        output[i] = holds(step->comparison, table1[input1[first]] - table2[input2[second]]);
    }
    return PLAN_OK;
}

enum plan_status run_compare_float(const struct execution *execution, const void *raw) {
    const struct compare_step *step = raw;
    const struct plan_broadcast *broadcast = &step->broadcast;
    if (!comparison_valid(broadcast, step->comparison)) {
        return PLAN_BAD_GEOMETRY;
    }
    uint32_t elements = shape_elements(broadcast->shape, PLAN_RANK);
    const float *input1 = plan_read(execution, step->input1, saturating_product(broadcast->elements1, 4), 4);
    const float *input2 = plan_read(execution, step->input2, saturating_product(broadcast->elements2, 4), 4);
    uint8_t *output = plan_write(execution, step->output, elements, 1);
    if (input1 == NULL || input2 == NULL || output == NULL) {
        return PLAN_OUT_OF_BOUNDS;
    }
    for (uint32_t i = 0; i < elements; i++) {
        int32_t first;
        int32_t second;
        offsets_of(broadcast, i, &first, &second);
        output[i] = floats_hold(step->comparison, input1[first], input2[second]);
    }
    return PLAN_OK;
}

enum plan_status run_compare_int32(const struct execution *execution, const void *raw) {
    const struct compare_step *step = raw;
    const struct plan_broadcast *broadcast = &step->broadcast;
    if (!comparison_valid(broadcast, step->comparison)) {
        return PLAN_BAD_GEOMETRY;
    }
    uint32_t elements = shape_elements(broadcast->shape, PLAN_RANK);
    const int32_t *input1 = plan_read(execution, step->input1, saturating_product(broadcast->elements1, 4), 4);
    const int32_t *input2 = plan_read(execution, step->input2, saturating_product(broadcast->elements2, 4), 4);
    uint8_t *output = plan_write(execution, step->output, elements, 1);
    if (input1 == NULL || input2 == NULL || output == NULL) {
        return PLAN_OUT_OF_BOUNDS;
    }
    for (uint32_t i = 0; i < elements; i++) {
        int32_t first;
        int32_t second;
        offsets_of(broadcast, i, &first, &second);
        int32_t a = input1[first];
        int32_t b = input2[second];
        output[i] = holds(step->comparison, a < b ? -1 : a > b ? 1 : 0);
    }
    return PLAN_OK;
}

enum plan_status run_select(const struct execution *execution, const void *raw) {
    const struct select_step *step = raw;
    if (step->element_bytes != 1 && step->element_bytes != 2 && step->element_bytes != 4) {
        return PLAN_BAD_GEOMETRY;
    }
    uint32_t element_bytes = (uint32_t)step->element_bytes;
    uint32_t bytes = saturating_product(step->elements, element_bytes);
    const uint8_t *condition = plan_read(execution, step->condition, step->elements, 1);
    const uint8_t *input1 = plan_read(execution, step->input1, bytes, element_bytes);
    const uint8_t *input2 = plan_read(execution, step->input2, bytes, element_bytes);
    uint8_t *output = plan_write(execution, step->output, bytes, element_bytes);
    if (condition == NULL || input1 == NULL || input2 == NULL || output == NULL) {
        return PLAN_OUT_OF_BOUNDS;
    }
    for (uint32_t i = 0; i < step->elements; i++) {
        const uint8_t *chosen = condition[i] ? input1 : input2;
        for (uint32_t byte = i * element_bytes; byte < (i + 1) * element_bytes; byte++) {
            output[byte] = chosen[byte];
        }
    }
    return PLAN_OK;
}
