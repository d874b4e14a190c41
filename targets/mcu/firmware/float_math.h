/* exp, log, tanh, square root and round for float32, without a libc. Errors against the correctly rounded result: exp at
 * most 1 ULP, log at most 2 ULP, tanh at most 3 ULP, square root none (tests/targets/mcu/test_float_math.py). */
#ifndef FLOAT_MATH_H
#define FLOAT_MATH_H

float exponential(float x);
float hyperbolic_tangent(float x);
float logistic(float x);
float square_root(float x);
float natural_logarithm(float x);

/* Halves away from zero, as C's roundf. */
float round_half_away(float x);

/* To the next whole number below. */
float round_down(float x);

/* Halves to the even neighbour, as TensorFlow's round. */
float round_half_even(float x);

static inline float clamp_float(float x, float minimum, float maximum) {
    float above = x < minimum ? minimum : x;
    return maximum < above ? maximum : above;
}

#endif
