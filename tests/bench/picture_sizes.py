"""The sizes of the models whose pictures are compared, the same on every side."""

BATCH, TOKENS, WIDTH, HEADS = 4, 16, 32, 4  # of the transformer block; the convolution has the same batch
STEPS = (5, 30, 200)  # of the recurrent networks
