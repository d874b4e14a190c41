/* RESIZE_BILINEAR. Which two rows or columns a place lies between, and how far, is in tables made by the planner. */
#include "fixed_point.h"
#include "geometry.h"
#include "kernels.h"

#define FRACTION_BITS 10
/* Outside the image a fraction may leave [0, 1) by a half; with these limits no sum leaves int32. */
#define FRACTION_LOWEST (-1024)
#define FRACTION_HIGHEST 2047

static bool between(const int32_t *bounds, int32_t size) {
    return bounds[0] >= 0 && bounds[0] < size && bounds[1] >= 0 && bounds[1] < size;
}

static bool table_valid(const struct plan_interpolation_int8 *table, int32_t count, int32_t size) {
    for (int32_t i = 0; i < count; i++) {
        if (!between(&table[i].lower, size) || table[i].fraction < FRACTION_LOWEST ||
            table[i].fraction > FRACTION_HIGHEST) {
            return false;
        }
    }
    return true;
}

/* Halves away from zero. */
static int8_t interpolate(int32_t upper_left, int32_t lower_left, int32_t upper_right, int32_t lower_right, int32_t y,
                          int32_t x) {
    const int32_t one = 1 << FRACTION_BITS;
    int32_t sum = upper_left * (one - y) * (one - x) + lower_left * y * (one - x) + upper_right * (one - y) * x +
                  lower_right * y * x;
    int32_t half = 1 << (2 * FRACTION_BITS - 1);
    return (int8_t)clamp((sum + (sum > 0 ? half : -half)) / (1 << 2 * FRACTION_BITS), INT8_MIN, INT8_MAX);
}

enum plan_status run_resize_int8(const struct execution *execution, const void *raw) {
    const struct resize_int8_step *step = raw;
    const struct plan_resize *image = &step->image;
    if (!dimensions_valid(&image->batches, 6)) {
        return PLAN_BAD_GEOMETRY;
    }
    int32_t channels = image->channels;
    int32_t row_elements = image->input_width * channels;
    uint32_t image_elements = saturating_product((uint32_t)image->input_height, (uint32_t)row_elements);
    uint32_t pixels = (uint32_t)image->output_height * (uint32_t)image->output_width;
    uint32_t batches = (uint32_t)image->batches;
    const int8_t *input = plan_read(execution, image->input, saturating_product(batches, image_elements), 1);
    int8_t *output = plan_write(execution, image->output,
                                saturating_product(batches, saturating_product(pixels, (uint32_t)channels)), 1);
    const struct plan_interpolation_int8 *rows =
        plan_read(execution, image->rows, (uint32_t)image->output_height * sizeof *rows, 4);
    const struct plan_interpolation_int8 *columns =
        plan_read(execution, image->columns, (uint32_t)image->output_width * sizeof *columns, 4);
    if (input == NULL || output == NULL || rows == NULL || columns == NULL) {
        return PLAN_OUT_OF_BOUNDS;
    }
    if (!table_valid(rows, image->output_height, image->input_height) ||
        !table_valid(columns, image->output_width, image->input_width)) {
        return PLAN_BAD_GEOMETRY;
    }
    for (int32_t batch = 0; batch < image->batches; batch++) {
        for (int32_t y = 0; y < image->output_height; y++) {
            const int8_t *upper = input + rows[y].lower * row_elements;
            const int8_t *lower = input + rows[y].upper * row_elements;
            for (int32_t x = 0; x < image->output_width; x++) {
                int32_t left = columns[x].lower * channels;
                int32_t right = columns[x].upper * channels;
                for (int32_t c = 0; c < channels; c++) {
                    *output++ = interpolate(upper[left + c], lower[left + c], upper[right + c], lower[right + c],
                                            rows[y].fraction, columns[x].fraction);
                }
            }
        }
        input += image_elements;
    }
    return PLAN_OK;
}

enum plan_status run_resize_float(const struct execution *execution, const void *raw) {
    const struct resize_float_step *step = raw;
    const struct plan_resize *image = &step->image;
    if (!dimensions_valid(&image->batches, 6)) {
        return PLAN_BAD_GEOMETRY;
    }
    int32_t channels = image->channels;
    int32_t row_elements = image->input_width * channels;
    uint32_t image_elements = saturating_product((uint32_t)image->input_height, (uint32_t)row_elements);
    uint32_t pixels = (uint32_t)image->output_height * (uint32_t)image->output_width;
    uint32_t batches = (uint32_t)image->batches;
    uint32_t output_elements = saturating_product(batches, saturating_product(pixels, (uint32_t)channels));
    const float *input = plan_read(execution, image->input,
                                   saturating_product(saturating_product(batches, image_elements), 4), 4);
    float *output = plan_write(execution, image->output, saturating_product(output_elements, 4), 4);
    const struct plan_interpolation_float *rows =
        plan_read(execution, image->rows, (uint32_t)image->output_height * sizeof *rows, 4);
    const struct plan_interpolation_float *columns =
        plan_read(execution, image->columns, (uint32_t)image->output_width * sizeof *columns, 4);
    if (input == NULL || output == NULL || rows == NULL || columns == NULL) {
        return PLAN_OUT_OF_BOUNDS;
    }
    for (int32_t y = 0; y < image->output_height; y++) {
        if (!between(&rows[y].lower, image->input_height)) {
            return PLAN_BAD_GEOMETRY;
        }
    }
    for (int32_t x = 0; x < image->output_width; x++) {
        if (!between(&columns[x].lower, image->input_width)) {
            return PLAN_BAD_GEOMETRY;
        }
    }
    for (int32_t batch = 0; batch < image->batches; batch++) {
        for (int32_t y = 0; y < image->output_height; y++) {
            const float *upper = input + rows[y].lower * row_elements;
            const float *lower = input + rows[y].upper * row_elements;
            float down = rows[y].fraction;
            for (int32_t x = 0; x < image->output_width; x++) {
                int32_t left = columns[x].lower * channels;
                int32_t right = columns[x].upper * channels;
                float across = columns[x].fraction;
                for (int32_t c = 0; c < channels; c++) {
                    /* The zero is the reference's: it turns a negative zero into a positive one. */
                    *output++ = upper[left + c] * (1.0f - down) * (1.0f - across) +
                                lower[left + c] * down * (1.0f - across) +
                                upper[right + c] * (1.0f - down) * across + lower[right + c] * down * across + 0.0f;
                }
            }
        }
        input += image_elements;
    }
    return PLAN_OK;
}
