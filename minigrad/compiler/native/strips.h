/* A machine with one accumulator, which is a strip of 8 vectors in registers. Included once for each type and width.

STRIPS: the function's name; NUMBER: its type; WIDTH: bytes of a vector; TARGET: the processors it is for. It carries out
`n` operations on one strip, then on the next; `at` are the addresses of the first one. */
TARGET static void STRIPS(const int32_t *ops, int n, char *const *at, npy_intp strips)
{
    typedef NUMBER Vector __attribute__((vector_size(WIDTH)));
    typedef NUMBER Memory __attribute__((vector_size(WIDTH), aligned(sizeof(NUMBER)), may_alias));
    typedef NUMBER Single __attribute__((may_alias));
    for (npy_intp s = 0; s < strips; s++) {
        Vector a0 = {0}, a1 = a0, a2 = a0, a3 = a0, a4 = a0, a5 = a0, a6 = a0, a7 = a0;
        for (const int32_t *op = ops; op < ops + 2 * n; op += 2) {
            Memory *m = (Memory *)(at[op[1]] + s * 8 * WIDTH);
            NUMBER c = *(const Single *)at[op[1]]; /* a single number has no strips */
            switch (op[0]) {
#define EACH_VECTOR(code, change)                                                                                     \
    case code: change(0) change(1) change(2) change(3) change(4) change(5) change(6) change(7) break;
#define LOAD_ONE(k) a##k = m[k];
#define STORE_ONE(k) m[k] = a##k;
#define NEGATIVE_ONE(k) a##k = -a##k;
#define SQUARE_ONE(k) a##k = a##k * a##k;
#define ADD_ARRAY(k) a##k = a##k + m[k];
#define SUBTRACT_ARRAY(k) a##k = a##k - m[k];
#define SUBTRACT_FROM_ARRAY(k) a##k = m[k] - a##k;
#define MULTIPLY_ARRAY(k) a##k = a##k * m[k];
#define DIVIDE_ARRAY(k) a##k = a##k / m[k];
#define DIVIDE_INTO_ARRAY(k) a##k = m[k] / a##k;
#define ADD_NUMBER(k) a##k = a##k + c;
#define SUBTRACT_NUMBER(k) a##k = a##k - c;
#define SUBTRACT_FROM_NUMBER(k) a##k = c - a##k;
#define MULTIPLY_NUMBER(k) a##k = a##k * c;
#define DIVIDE_NUMBER(k) a##k = a##k / c;
#define DIVIDE_INTO_NUMBER(k) a##k = c / a##k;
                EACH_VECTOR(LOAD, LOAD_ONE)
                EACH_VECTOR(STORE, STORE_ONE)
                EACH_VECTOR(NEGATIVE, NEGATIVE_ONE)
                EACH_VECTOR(SQUARE, SQUARE_ONE)
                EACH_VECTOR(ADD, ADD_ARRAY)
                EACH_VECTOR(SUBTRACT, SUBTRACT_ARRAY)
                EACH_VECTOR(SUBTRACT_FROM, SUBTRACT_FROM_ARRAY)
                EACH_VECTOR(MULTIPLY, MULTIPLY_ARRAY)
                EACH_VECTOR(DIVIDE, DIVIDE_ARRAY)
                EACH_VECTOR(DIVIDE_INTO, DIVIDE_INTO_ARRAY)
                EACH_VECTOR(NUMBERS + ADD, ADD_NUMBER)
                EACH_VECTOR(NUMBERS + SUBTRACT, SUBTRACT_NUMBER)
                EACH_VECTOR(NUMBERS + SUBTRACT_FROM, SUBTRACT_FROM_NUMBER)
                EACH_VECTOR(NUMBERS + MULTIPLY, MULTIPLY_NUMBER)
                EACH_VECTOR(NUMBERS + DIVIDE, DIVIDE_NUMBER)
                EACH_VECTOR(NUMBERS + DIVIDE_INTO, DIVIDE_INTO_NUMBER)
            }
        }
    }
}
#undef STRIPS
#undef WIDTH
#undef TARGET
