from train.finetune.stopping import Stopping


def test_a_better_loss_begins_the_count_anew() -> None:
    state = Stopping()
    for step, loss in enumerate([2.0, 2.1, 1.5], start=1):
        state = state.after(loss, step=step, min_delta=0.1)
    assert state == Stopping(best_loss=1.5, best_step=3, misses=0)


def test_less_than_the_least_improvement_is_a_miss() -> None:
    state = Stopping().after(2.0, step=1, min_delta=0.1).after(1.95, step=2, min_delta=0.1)
    assert state == Stopping(best_loss=2.0, best_step=1, misses=1)


def test_patience_is_the_number_of_misses_in_a_row() -> None:
    state = Stopping(best_loss=1.0, best_step=1, misses=2)
    assert state.is_over(2)
    assert not state.is_over(3)
    assert not state.is_over(0)


def test_it_survives_being_stored() -> None:
    state = Stopping(best_loss=1.0, best_step=7, misses=2)
    assert Stopping.of(vars(state)) == state
