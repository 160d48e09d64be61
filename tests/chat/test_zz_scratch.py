import pytest, time
from collections import Counter
from tests.chat.test_invariants import *
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("texts")]
C=Counter(); T=Counter()
def wrap(name):
    f=getattr(World,name)
    def g(self,*a,**k):
        t=time.time()
        r=f(self,*a,**k)
        C[name]+=1; T[name]+=time.time()-t
        if name=="commit": C["commit, queue left %d" % len(self.rows().open_turns())]+=1
        if name=="claim": C["claimed %s" % (r is not None)]+=1
        return r
    setattr(World,name,g)
def test_x(inbox, agent):
    M = type("AnyThread", (Thread,), {"inbox": inbox, "agent": agent})
    for name in "post resend post_conflicting reply ring claim expire commit apologise sweep sync violations settle take_over request_human hand_back cancel_human resolve".split():
        wrap(name)
    run_state_machine_as_test(M, settings=SETTINGS)
    for k,v in C.items(): print(k,v, round(T[k]/v*1000,1))
    assert 0
