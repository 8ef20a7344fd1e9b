"""What was kept out of training: counted, shown, and asked to be judged anew.

Nothing here judges: `validate.mend` does, in the gate's process, out of the rows of `repairs`.
"""
