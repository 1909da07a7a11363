/** Which pages with code are written so often that their code is checked when it runs, instead of the writes being caught (checked-code.ts). */

/** What writes to a page may cost until then; one that has changed translated code costs more. */
const MOST_COST = 512, COST = 1, COST_OF_CHANGE = 8;
/** Samples in a checked page until it is trusted again; each time more are wanted. */
const FIRST_PATIENCE = 8, MORE_PATIENCE = 4;

interface Page { cost: number; checked: boolean; samples: number; patience: number }

export class PageWrites {
  private readonly pages = new Map<number, Page>();

  isChecked(page: number): boolean { return this.pages.get(page)?.checked === true; }

  /** A caught write. True: the page is checked from now on. */
  written(page: number, changed: boolean): boolean {
    let it = this.pages.get(page);
    if (!it) this.pages.set(page, it = { cost: 0, checked: false, samples: 0, patience: FIRST_PATIENCE });
    it.cost += changed ? COST_OF_CHANGE : COST;
    if (it.cost < MOST_COST) return false;
    it.checked = true;
    it.samples = it.cost = 0;
    return true;
  }

  /** Code of the page was met in a sample. True: its writes are caught again. */
  sampled(page: number): boolean {
    const it = this.pages.get(page);
    if (!it?.checked || ++it.samples < it.patience) return false;
    it.checked = false;
    it.patience *= MORE_PATIENCE;
    return true;
  }
}
