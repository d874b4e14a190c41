/* LOG_SOFTMAX of float32, and of int8 in gemmlowp's fixed point. */
#include "fixed_point.h"
#include "float_math.h"
#include "kernels.h"
#include "reciprocal.h"
#include "rows_view.h"
#include "steps_reduction.h"

#define ACCUMULATOR_INTEGER_BITS 12
#define LOGARITHM_INTEGER_BITS 5
#define INNER_INTEGER_BITS 6
#define OUTPUT_SHIFT (31 - LOGARITHM_INTEGER_BITS - 4)

enum plan_status run_log_softmax_float(const struct execution *execution, const void *raw) {
    const struct log_softmax_float_step *step = raw;
    if (step->rows < 1 || step->depth < 1) {
        return PLAN_BAD_GEOMETRY;
    }
    struct rows_view view;
    if (!bind_rows(execution, step->input, step->output, step->rows, step->depth, 4, &view)) {
        return PLAN_OUT_OF_BOUNDS;
    }
    const float *input = view.input;
    float *output = view.output;
    for (int32_t row = 0; row < step->rows; row++) {
        float largest = input[0];
        for (int32_t i = 1; i < step->depth; i++) {
            largest = largest < input[i] ? input[i] : largest;
        }
        float sum = 0.0f;
        for (int32_t i = 0; i < step->depth; i++) {
            sum += exponential(input[i] - largest);
        }
        float logarithm = natural_logarithm(sum);
        for (int32_t i = 0; i < step->depth; i++) {
            output[i] = input[i] - largest - logarithm;
        }
        input += step->depth;
        output += step->depth;
    }
    return PLAN_OK;
}

static int32_t wrapping_sum(int32_t a, int32_t b) {
    return (int32_t)((uint32_t)a + (uint32_t)b);
}

/* The logarithm, in Q5.26, of a number of at least 1 in Q12.19: the power of two apart, the rest by a rational function
 * around 2^(-1/4). What is brought to between 1/2 and 1 in two ways is taken in the smaller one. */
static int32_t logarithm_of(int32_t x) {
    const int32_t log_of_two = 1488522236;          /* Q0.31, as all that follow */
    const int32_t root_of_half = 1518500250;        /* 2^(-1/2) */
    const int32_t fourth_root_of_half = 1805811301; /* 2^(-1/4) */
    const int32_t quarter = 1 << (29 - INNER_INTEGER_BITS);

    int32_t zeros = __builtin_clz((uint32_t)x | 1);
    int32_t first = saturating_left_shift(rounding_high_product(saturating_left_shift(x, zeros - 1), root_of_half), 1);
    int32_t first_power =
        wrapping_sum((ACCUMULATOR_INTEGER_BITS - zeros) * (1 << (31 - INNER_INTEGER_BITS)), quarter);
    int32_t lowered = rounding_high_product(x, root_of_half);
    int32_t room = __builtin_clz((uint32_t)lowered | 1) - 1;
    int32_t second = saturating_left_shift(x, room);
    int32_t second_power =
        wrapping_sum((ACCUMULATOR_INTEGER_BITS - room) * (1 << (31 - INNER_INTEGER_BITS)), -quarter);
    int32_t rest = first < second ? first : second;
    int32_t power = first_power > second_power ? first_power : second_power;

    int32_t half_sum = (int32_t)(((int64_t)rest + fourth_root_of_half + 1) >> 1);
    int32_t distance = wrapping_sum(rest, -fourth_root_of_half);
    distance = wrapping_sum(distance, distance);
    int32_t square = rounding_high_product(distance, distance);
    int32_t numerator = wrapping_sum(rounding_high_product(distance, rest),
                                     rounding_high_product(rounding_high_product(distance, square), 117049297));
    int32_t inner = wrapping_sum(wrapping_sum(1057819769, distance), rounding_high_product(127690142, square));
    int32_t denominator =
        wrapping_sum(rounding_high_product(half_sum, inner), rounding_high_product(638450708, distance));
    int32_t reciprocal = one_over_one_plus(denominator);
    int32_t scaled = rounding_shift_right(numerator, INNER_INTEGER_BITS);
    int32_t sum = wrapping_sum(rounding_high_product(power, log_of_two), rounding_high_product(scaled, reciprocal));
    return saturating_left_shift(sum, INNER_INTEGER_BITS - LOGARITHM_INTEGER_BITS);
}

struct tables {
    const int32_t *exponentials;
    const int32_t *distances;
};

static void log_softmax_row(const struct log_softmax_int8_step *step, const struct tables *tables,
                            const int8_t *input, int8_t *output) {
    int32_t largest = INT8_MIN;
    for (int32_t i = 0; i < step->depth; i++) {
        largest = input[i] > largest ? input[i] : largest;
    }
    uint32_t sum = 0;
    for (int32_t i = 0; i < step->depth; i++) {
        sum += (uint32_t)rounding_shift_right(tables->exponentials[largest - input[i]], ACCUMULATOR_INTEGER_BITS);
    }
    int32_t logarithm = logarithm_of((int32_t)(sum & INT32_MAX));
    /* Below this a difference less the logarithm leaves Q5.26. */
    int32_t representable = requantize_any(wrapping_sum(logarithm, INT32_MIN), step->multiplier, step->shift);
    int32_t lowest = step->lowest_difference > representable ? step->lowest_difference : representable;
    for (int32_t i = 0; i < step->depth; i++) {
        int32_t value = INT8_MIN;
        if (input[i] - largest > lowest) {
            int32_t difference = (int32_t)((uint32_t)tables->distances[largest - input[i]] - (uint32_t)logarithm);
            value = clamp(rounding_shift_right(difference, OUTPUT_SHIFT) + INT8_MAX, INT8_MIN, INT8_MAX);
        }
        output[i] = (int8_t)value;
    }
}

enum plan_status run_log_softmax_int8(const struct execution *execution, const void *raw) {
    const struct log_softmax_int8_step *step = raw;
    if (step->rows < 1 || !dimensions_valid(&step->depth, 1) || step->multiplier < 0 || !shift_valid(step->shift)) {
        return PLAN_BAD_GEOMETRY;
    }
    const struct tables tables = {
        plan_read(execution, step->exponentials, 256 * 4, 4),
        plan_read(execution, step->distances, 256 * 4, 4),
    };
    struct rows_view view;
    if (tables.exponentials == NULL || tables.distances == NULL ||
        !bind_rows(execution, step->input, step->output, step->rows, step->depth, 1, &view)) {
        return PLAN_OUT_OF_BOUNDS;
    }
    for (int32_t row = 0; row < step->rows; row++) {
        int32_t start = row * step->depth;
        log_softmax_row(step, &tables, (const int8_t *)view.input + start, (int8_t *)view.output + start);
    }
    return PLAN_OK;
}
